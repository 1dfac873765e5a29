import fc from "fast-check";
import { expect, test } from "vitest";
import { parseTarget, prefixOf, type Target, TargetSet } from "../../src/model/ip.ts";

/** Few addresses and all lengths, so that targets often hold one another. */
const target = fc
  .record({
    ipv4: fc.boolean(),
    host: fc.integer({ min: 0, max: 3 }),
    bits: fc.integer({ min: 0, max: 128 }),
  })
  .map(({ ipv4, host, bits }) =>
    parseTarget(ipv4 ? `192.0.${host * 64}.${host}/${bits % 33}` : `2001:db8:${host}::${host}/${bits}`),
  )
  .filter((each) => each !== null);

/** The first and the last address of a target, as numbers. */
function span(each: Target): { readonly ipv4: boolean; readonly first: bigint; readonly last: bigint } {
  const { address, bits } = prefixOf(each);
  const ipv4 = !address.includes(":");
  const first = ipv4 ? numberOf(address.split("."), 8n, 10) : numberOf(groupsOf(address), 16n, 16);
  return { ipv4, first, last: first + 2n ** BigInt((ipv4 ? 32 : 128) - bits) - 1n };
}
const numberOf = (parts: readonly string[], bits: bigint, radix: number): bigint =>
  parts.reduce((sum, part) => (sum << bits) + BigInt(Number.parseInt(part, radix)), 0n);
function groupsOf(address: string): string[] {
  const [head = [], tail = []] = address
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""));
  return [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
}
const overlap = (a: ReturnType<typeof span>, b: ReturnType<typeof span>): boolean =>
  a.ipv4 === b.ipv4 && a.first <= b.last && b.first <= a.last;
const covers = (a: ReturnType<typeof span>, b: ReturnType<typeof span>): boolean =>
  a.ipv4 === b.ipv4 && a.first <= b.first && b.last <= a.last;

test("a set tells who covers and who overlaps a target, also after it has changed", () => {
  const members = fc.array(target, { maxLength: 8 });
  fc.assert(
    fc.property(members, members, target, (kept, removed, asked) => {
      const set = new TargetSet([...kept, ...removed]);
      set.overlapping(asked);
      for (const each of removed) set.delete(each);
      const left = kept.filter((each) => !removed.includes(each)).map(span);
      expect(set.size).toBe(new Set(kept.filter((each) => !removed.includes(each))).size);
      expect(set.covering(asked) !== null).toBe(left.some((each) => covers(each, span(asked))));
      expect(set.overlapping(asked) !== null).toBe(left.some((each) => overlap(each, span(asked))));
      set.add(asked);
      expect(set.overlapping(asked)).not.toBeNull();
    }),
  );
});

test("asking 100,000 targets whether 50,000 members overlap them takes no look at each pair, which would not end", () => {
  const address = (net: number, n: number) => `${net}.${n >> 16}.${(n >> 8) & 255}.${n & 255}/32` as Target;
  const set = new TargetSet(Array.from({ length: 50_000 }, (_, n) => address(172, n)));
  let found = 0;
  for (let n = 0; n < 100_000; n++) if (set.overlapping(address(10, n)) !== null) found++;
  expect(found).toBe(0);
});
