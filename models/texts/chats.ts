/** Conversations that a language model is asked to go on with, of many kinds: its report shows what it says. */
import type { ChatMessage } from '../../src/client/api.ts';

const ask = (content: string): ChatMessage[] => [{ role: 'user', content }];

export const CHATS: readonly (readonly ChatMessage[])[] = [
  ask('Hello! Who are you, and what can you help me with?'),
  ask('Why is the sky blue?'),
  ask('Explain photosynthesis to a ten-year-old.'),
  ask('What is the capital of Australia, and what is the city known for?'),
  ask('List seven things that one should take to the beach.'),
  ask('Give me a recipe for pancakes, with quantities and steps.'),
  ask('Write a Python function that returns the largest number of a list.'),
  ask('What does this line do? `const total = items.reduce((sum, x) => sum + x.price, 0);`'),
  ask('Write a short poem about the first snow of the year.'),
  ask('Tell a story of a lighthouse keeper who finds a letter in a bottle. Three paragraphs.'),
  ask('Write a dialogue between a doctor and a patient who has a cold.'),
  ask('Write a polite email that asks a colleague for a meeting on Thursday.'),
  ask('Make this sentence more formal: "Hey, the thing you sent us is broken, fix it."'),
  ask(
    'Summarise in one sentence: "The library will be closed on Monday because the heating is being ' +
      'repaired. Books can be returned through the slot beside the door, and loans that end on Monday are ' +
      'extended by a week."',
  ),
  ask('A train travels 180 km in 2 hours. How fast is it, in kilometres an hour?'),
  ask('Compare electric cars and petrol cars: three advantages of each.'),
  ask('What should I think of before I adopt a cat?'),
  ask('How do I write a good CV for my first job?'),
  ask('Who wrote "Pride and Prejudice", and what is it about?'),
  ask('What causes the tides?'),
  [
    { role: 'system', content: 'You are a guide in a museum of natural history. Answer briefly.' },
    { role: 'user', content: 'How big was Tyrannosaurus rex, and when did it live?' },
  ],
  [
    { role: 'system', content: 'You answer in the form of a numbered list.' },
    { role: 'user', content: 'How can I save water at home?' },
  ],
  [
    ...ask('Recommend a hobby for somebody who sits all day.'),
    { role: 'assistant', content: 'You could try hiking: it is cheap and gets you outdoors.' },
    ...ask('Good idea. How do I begin?'),
  ],
  [
    ...ask('What is the largest planet?'),
    { role: 'assistant', content: 'Jupiter is the largest planet of the solar system.' },
    ...ask('And how many moons does it have?'),
  ],
];
