/** Three questions that show the words were written down: one from each third, one right word of six. */
import { randomBelow, randomSample, shuffled, type RandomSource } from './random.ts';
import { WORDS_COUNT } from './seed-words.ts';
import { WORD_LIST } from './word-list.ts';

export interface QuizQuestion {
  /** From 1, as people count. */
  readonly place: number;
  readonly choices: string[];
}

const QUESTIONS = 3;
const CHOICES = 6;

export function createQuiz(words: readonly string[], source: RandomSource): QuizQuestion[] {
  const third = WORDS_COUNT / QUESTIONS;
  return Array.from({ length: QUESTIONS }, (_, i) => {
    const index = i * third + randomBelow(source, third);
    const right = words[index]!;
    const wrong = randomSample(source, WORD_LIST, CHOICES).filter((w) => w !== right);
    return { place: index + 1, choices: shuffled(source, [right, ...wrong.slice(1 - CHOICES)]) };
  });
}

export const isQuizPassed = (
  quiz: readonly QuizQuestion[],
  words: readonly string[],
  answers: readonly string[],
): boolean =>
  answers.length === quiz.length && quiz.every((q, i) => words[q.place - 1] === answers[i]);
