/** Runs one seed of the simulation in this process, whose clock and random numbers are then the simulation's. */
import { START_MS } from '../chain/make-blocks.ts';
import { Clock, installTime } from './clock.ts';
import { createRandom } from './random.ts';
import { World, type Outcome, type WorldOptions } from './world.ts';

export async function simulate(options: WorldOptions): Promise<Outcome> {
  const clock = new Clock(START_MS);
  const putBack = installTime(clock, createRandom(options.seed, 'platform'));
  const world = new World(clock, options);
  const unhandled = (e: unknown) =>
    world.fail('alive', `an unhandled error: ${(e as Error)?.stack ?? String(e)}`);
  process.on('unhandledRejection', unhandled);
  try {
    return await world.run();
  } finally {
    process.off('unhandledRejection', unhandled);
    putBack();
  }
}
