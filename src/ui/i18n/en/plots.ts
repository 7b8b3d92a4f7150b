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
    sum: (amount: string, blocks: string) => `${amount} VLT; blocks of yours: ${blocks}`,
    among: (headers: string, span: string) => ` of the newest ${headers}, in ${span}`,
    columns: ['From', 'Blocks', 'VLT'],
    missing: 'Not enough data yet: the chain has hardly any blocks.',
    evidence: [
      'Counted here in the headers that this device checked: those that pay your address, each with ' +
        'the subsidy that the rules give its height.',
      'Fees, and pay for answers, come on top: they are in the balance.',
    ],
  },
  rate: {
    title: 'Rate',
    mean: (rate: string, readings: string) => `${rate} on average (readings: ${readings})`,
    withPauses: (rate: string) => `; with pauses counted in, ${rate}`,
    columns: ['Time', 'MAC/s', 'Units'],
    missing: 'Not enough data yet: a minute of work makes the first line.',
    evidence: [
      'Multiply-accumulates of the last units over the time they took, noted here every 10 s for the ' +
        'last hour. The curve leaves pauses out; the second average spans them, with nothing done in ' +
        'those over two minutes.',
      'Nobody else has checked it.',
    ],
  },
  wait: {
    title: 'Wait for a block',
    one: (time: string) => `1 of 10 waits less than ${time}`,
    half: (time: string) => `half less than ${time}`,
    most: (time: string) => `9 of 10 less than ${time}`,
    month: 'At this rate a block takes longer than a month on average.',
    columns: ['Of 10 waits', 'shorter than'],
    titles: ['Of 10 waits', 'shorter than, in seconds'],
    missing: (units: string, minutes: string) =>
      'Measuring: nothing is forecast before 10 units and 15 minutes of work. ' +
      `Units so far: ${units}, in ${minutes}.`,
    idle: 'Nothing is running, so nothing is expected.',
    evidence: [
      'A model, not a promise: this device’s measured rate, against the difficulty of the last ' +
        'block. Both change.',
      'Blocks come without memory: after a long wait the next one is no nearer. The curve is the ' +
        'chance that one came by then.',
    ],
  },
  costs: {
    title: 'Costs',
    estimate: 'Your estimate',
    watts: 'Watts that the work draws',
    wattsWhy: 'The difference that a meter at the socket shows, with the work and without.',
    wattsFault: 'A whole number of watts, from 1 to 3000.',
    worked: 'Time worked',
    battery: 'Of it on battery',
    untold: 'this browser does not tell',
    energy: 'Electricity',
    evens: 'Break-even of one VLT',
    unsaid: 'say the watts',
    received: 'Received from peers',
    sent: 'Sent to peers',
    unpaid: 'no block of yours was paid yet',
    evidence: [
      'Bytes of messages with peers are counted here since the network was opened; encryption adds a ' +
        'little, and the models and the app come besides.',
      'Browsers tell neither power nor temperature, so none is shown: electricity is the watts you named, ' +
        'times the time in which this page counted units since it was opened. They are kept in this browser, and sent nowhere.',
      'Break-even is that electricity over the subsidies of your blocks in the chain since then: the work ' +
        'pays where a VLT is worth more. Few blocks make it a matter of luck. There is no price in money: nobody is asked for one.',
    ],
  },
  difficulty: {
    title: 'Difficulty',
    span: (n: number, shown: string, span: string) =>
      counted(n, { one: `1 block, in ${span}`, other: `${shown} blocks, in ${span}` }),
    columns: ['Block', 'Time', 'MAC per block'],
    missing: 'Not enough data yet: the chain has hardly any blocks.',
    block: (height: string) => `block ${height}`,
    evidence: [
      'The target in each header that this device checked, as the work expected for it. The rules ' +
        'set it from the times of the blocks before.',
    ],
  },
};
