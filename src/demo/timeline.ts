import { type Act, SCENES, type Scene, VISITS } from "./scenes.ts";

/** One act: when, in milliseconds after the start, and by whom. */
export interface Beat {
  readonly at: number;
  readonly client: string;
  readonly act: Act;
}

/** The opening plays every scene at its own time; from then on each comes once in a cycle, by somebody else. */
const OPENING = 60_000;
const CYCLE = 270_000;
/** Hosts of 198.51.100.0/24 and 203.0.113.0/24. A ban has expired before an address comes round again. */
const ATTACKERS = 2 * 254;
const VISITORS = 40;
/** Milliseconds to a radian of the visitors' waves. */
const WAVE = 400_000;

/** Everything that ever happens, in order; it does not end. */
export function* timeline(): Generator<Beat> {
  const streams = [visits(), ...SCENES.map(rounds)];
  const heads = streams.map((stream) => stream.next().value);
  for (;;) {
    let first = 0;
    for (let at = 1; at < heads.length; at++) if (heads[at]!.at < heads[first]!.at) first = at;
    yield heads[first]!;
    heads[first] = streams[first]!.next().value;
  }
}

/** Two to six lines a second, in slow waves. The odd factors only keep neighbours apart. */
export function* visits(): Generator<Beat, never> {
  let at = 0;
  for (let visit = 0; ; visit++) {
    yield { at, client: visitor((visit * 7) % VISITORS), act: VISITS[(visit * 5) % VISITS.length]! };
    at += Math.round((170 + ((visit * 97) % 330)) * (1.1 + 0.25 * Math.sin(at / WAVE)));
  }
}

function* rounds(scene: Scene, number: number): Generator<Beat, never> {
  for (let round = 0; ; round++) {
    const start =
      round === 0 ? scene.at : OPENING + (round - 1) * CYCLE + Math.round((number * CYCLE) / SCENES.length);
    for (let step = 0; step < scene.count; step++) {
      const client =
        scene.from === "address"
          ? attacker(round * SCENES.length + number)
          : attackingNetwork(round, number, step);
      yield { at: start + step * scene.every, client, act: scene.acts[step % scene.acts.length]! };
    }
  }
}

const visitor = (number: number): string =>
  number % 4 === 3 ? `2001:db8:1:${number.toString(16)}::80` : `192.0.2.${10 + number}`;

function attacker(number: number): string {
  const host = number % ATTACKERS;
  return host < 254 ? `198.51.100.${host + 1}` : `203.0.113.${host - 253}`;
}

const attackingNetwork = (round: number, number: number, step: number): string =>
  `2001:db8:bad:${(((round * SCENES.length + number) % 0xffff) + 1).toString(16)}::${(step % 5) + 1}`;
