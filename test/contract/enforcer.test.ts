import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { enforcerContract } from "./enforcer-contract.ts";
import { SLOW, WORLDS, type WorldName } from "./worlds.ts";

const here = (Object.keys(WORLDS) as WorldName[]).filter((name) => !SLOW.includes(name));
for (const name of here) enforcerContract(name);

test("slow enforcers have test files of their own", () => {
  expect(readdirSync(import.meta.dirname)).toEqual(
    expect.arrayContaining(SLOW.map((name) => `${name}.test.ts`)),
  );
});
