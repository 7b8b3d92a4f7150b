/** The plots: what was earned, measured and is expected. */
import { inEnglish as counted } from '../plurals.ts';
export const plots = {
  know: 'How do we know?',
  asTable: 'As a table',
  asPlot: 'As a plot',
  save: 'Save as CSV',
  expected: 'Expected',
  figure: (n: string) => `Fig. ${n}`,
  earned: {
    title: 'Paid for blocks',
    sum: (amount: string, blocks: string) => `${amount} VLT; your blocks: ${blocks}`,
    among: (headers: string, span: string) => ` of the newest ${headers}, in ${span}`,
    columns: ['From', 'Blocks', 'VLT'],
    missing: 'Not enough data yet: the chain has too few blocks.',
    evidence: [
      'Counted here in the blocks that this device checked: those that pay your address, each with the pay that the rules set for it.',
      'Fees, and pay for answers, come on top: they are in the balance.',
    ],
  },
  rate: {
    title: 'Speed',
    mean: (rate: string, readings: string) => `${rate} on average (readings: ${readings})`,
    withPauses: (rate: string) => `; with pauses counted in, ${rate}`,
    columns: ['Time', 'Multiplications per second', 'Runs'],
    missing: 'Not enough data yet: the first line appears after a minute of work.',
    evidence: [
      'Multiplications (with an addition each: MAC) of the last runs, divided by the time they took, noted here every 10 s over the last hour. The curve leaves pauses out; the second average includes them, counting pauses over two minutes as no work.',
      'Nobody else has checked it.',
    ],
  },
  wait: {
    title: 'Wait for a block',
    one: (time: string) => `1 of 10 waits less than ${time}`,
    half: (time: string) => `half less than ${time}`,
    most: (time: string) => `9 of 10 less than ${time}`,
    month: 'At this speed a block takes more than a month on average.',
    columns: ['Of 10 waits', 'shorter than'],
    titles: ['Of 10 waits', 'shorter than, in seconds'],
    missing: (units: string, minutes: string) =>
      'Measuring: there is no forecast before 10 runs and 15 minutes of work. ' +
      `Runs so far: ${units}, in ${minutes}.`,
    idle: 'Nothing is running, so nothing is expected.',
    evidence: [
      'An estimate, not a promise: from this device’s measured speed and the difficulty of the last block. Both change.',
      'Blocks have no memory: after a long wait, the next one is no nearer. The curve is the chance that one has come by then.',
    ],
  },
  costs: {
    title: 'Costs',
    estimate: 'Your estimate',
    watts: 'Power that the work uses, in watts',
    wattsWhy: 'The difference on a plug-in power meter, with the work and without.',
    wattsFault: 'A whole number of watts, from 1 to 3000.',
    worked: 'Time worked',
    battery: 'Of that, on battery',
    untold: 'this browser does not say',
    energy: 'Electricity',
    evens: 'Break-even of one VLT',
    unsaid: 'enter watts',
    received: 'Received from peers',
    sent: 'Sent to peers',
    unpaid: 'no block of yours has been paid yet',
    evidence: [
      'Bytes of messages with peers are counted here since the network was opened; encryption adds a ' +
        'little, and the models and the app come besides.',
      'Browsers reveal neither power nor temperature, so none is shown: electricity is the watts you entered, times the time that this page has worked since it was opened. They stay in this browser.',
      'Break-even is that electricity divided by the pay for your blocks in the chain since then: work pays off if a VLT is worth more. With few blocks it is a matter of luck. There is no price in money: nobody is asked for one.',
    ],
  },
  difficulty: {
    title: 'Difficulty',
    span: (n: number, shown: string, span: string) =>
      counted(n, { one: `1 block, in ${span}`, other: `${shown} blocks, in ${span}` }),
    columns: ['Block', 'Time', 'Multiplications per block'],
    missing: 'Not enough data yet: the chain has hardly any blocks.',
    same: (macs: string) => `The same in all of them: ${macs} per block.`,
    block: (height: string) => `block ${height}`,
    evidence: [
      'The work that each block checked by this device was expected to take. The rules set it from the times of the blocks before.',
    ],
  },
};
