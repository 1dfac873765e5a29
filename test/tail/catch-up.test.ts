/** What happened to the generations of a log while nobody watched. */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createGzip, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../temporary-folder.ts";
import { Registry } from "./registry.ts";
import { eventually, linesOf, numbered, Running, readOnce } from "./running.ts";

/** As logrotate does it: the numbers of older generations grow, packed or not. */
function rotate(log: string): void {
  for (let generation = 9; generation > 0; generation--) {
    for (const packing of ["", ".gz", ".zst"]) {
      const path = `${log}.${generation}${packing}`;
      if (existsSync(path)) renameSync(path, `${log}.${generation + 1}${packing}`);
    }
  }
  renameSync(log, `${log}.1`);
  writeFileSync(log, "");
}

describe.each([
  ["gzip", "gz", gzipSync],
  ["zstd", "zst", zstdCompressSync],
] as const)("generations packed by %s", (_name, ending, pack) => {
  const packFile = (path: string): void => {
    writeFileSync(`${path}.${ending}`, pack(readFileSync(path)));
    rmSync(path);
  };

  test("go on where they were read, and those that came and went are read whole, in order, once", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const registry = new Registry();
    await readOnce(log, numbered(0, 1_000), registry);
    appendFileSync(log, numbered(1_000, 1_500));
    for (let line = 1_500; line < 3_500; line += 500) {
      rotate(log);
      if (existsSync(`${log}.2`)) packFile(`${log}.2`);
      appendFileSync(log, numbered(line, line + 500));
    }
    {
      await using running = new Running(log, registry);
      await running.isIdleWith(linesOf(numbered(1_000, 3_500)));
    }
    appendFileSync(log, numbered(3_500, 3_600));
    rotate(log);
    packFile(`${log}.1`);
    await using running = new Running(log, registry);
    await running.isIdleWith(linesOf(numbered(3_500, 3_600)));
  });

  test("that are cut short give what is there, which is told, and reading goes on with the next", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const registry = new Registry();
    await readOnce(log, numbered(0, 100), registry);
    rotate(log);
    const text = Array.from({ length: 9_000 }, (_, n) => `${n} ${(n * 2_654_435_761) % 2 ** 32}\n`).join("");
    const packed = pack(text);
    writeFileSync(`${log}.1.${ending}`, packed.subarray(0, packed.length - 4_000));
    renameSync(`${log}.1`, `${log}.2`);
    writeFileSync(log, "after\n");
    await using running = new Running(log, registry);
    await eventually(() => running.lines.at(-1)).toBe("after");
    expect(running.lines.length).toBeGreaterThan(100);
    expect(running.lines.slice(0, -1)).toEqual(linesOf(text).slice(0, running.lines.length - 1));
    expect(running.problem()).toMatchObject({ code: "LOG_DAMAGED" });
    expect(running.problem()!.message).toContain(`${log}.1.${ending} is damaged or cut short`);
    renameSync(log, `${log}.1`);
    writeFileSync(log, "a rotation later\n");
    await eventually(() => running.lines.at(-1)).toBe("a rotation later");
    expect(running.problem()).toBeNull();
  });

  test("that hold nothing that can be unpacked are told, and do not keep anything from being read", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const registry = new Registry();
    await readOnce(log, numbered(0, 100), registry);
    rotate(log);
    rotate(log);
    rmSync(`${log}.1`);
    writeFileSync(`${log}.1.${ending}`, "");
    writeFileSync(log, "after\n");
    await using running = new Running(log, registry);
    await running.isIdleWith(["after"]);
    expect(running.problem()).toMatchObject({ code: "LOG_DAMAGED" });
  });

  test("that are damaged are told until the next rotation, and not if they are older than what is known", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const registry = new Registry();
    await readOnce(log, numbered(0, 100), registry);
    rotate(log);
    rmSync(`${log}.1`);
    writeFileSync(`${log}.1.${ending}`, pack(numbered(0, 200)).subarray(0, -6));
    {
      await using running = new Running(log, registry);
      await eventually(() => running.problem()?.code).toBe("LOG_DAMAGED");
      appendFileSync(log, "one\n");
      await eventually(() => running.lines.at(-1)).toBe("one");
      expect(running.problem()?.code).toBe("LOG_DAMAGED");
      rotate(log);
      appendFileSync(log, "two\n");
      await eventually(() => running.lines.at(-1)).toBe("two");
      expect(running.problem()).toBeNull();
    }
    appendFileSync(log, "three\n");
    await using running = new Running(log, registry);
    await running.isIdleWith(["three"]);
    expect(running.problem()).toBeNull();
  });

  test("that are being packed just then are read once, from the file that is whole", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const registry = new Registry();
    await readOnce(log, numbered(0, 100), registry);
    appendFileSync(log, numbered(100, 200));
    rotate(log);
    appendFileSync(log, numbered(200, 300));
    const packed = pack(readFileSync(`${log}.1`));
    writeFileSync(`${log}.1.${ending}`, packed.subarray(0, packed.length >> 1));
    {
      await using running = new Running(log, registry);
      await running.isIdleWith(linesOf(numbered(100, 300)));
      expect(running.problem()).toBeNull();
      packFile(`${log}.1`);
      rotate(log);
      appendFileSync(log, numbered(300, 301));
      await running.isIdleWith(linesOf(numbered(100, 301)));
    }
    appendFileSync(log, numbered(301, 302));
    await using running = new Running(log, registry);
    await running.isIdleWith(["line 301"]);
  });

  test("of which a half was committed before a crash go on there, also in the middle of a line that was cut", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const registry = new Registry();
    await readOnce(log, numbered(0, 10), registry);
    rotate(log);
    rmSync(`${log}.1`);
    const texts = [numbered(0, 200_000), `${"x".repeat(12 << 20)} forged\n`, numbered(200_000, 400_000)];
    writeFileSync(`${log}.1.${ending}`, pack(texts.join("")));
    const lines: string[] = [];
    let runs = 0;
    for (; lines.at(-1) !== "line 399999"; runs++) {
      await using running = new Running(log, registry, { batches: 1 });
      await running.stopped;
      for (const line of running.lines) lines.push(line);
    }
    expect(runs).toBeGreaterThan(4);
    const whole = lines.filter((line) => line.startsWith("line"));
    // The first ten were read before they were packed.
    expect(whole).toEqual(linesOf(numbered(10, 400_000)));
    expect(lines.filter((line) => !line.startsWith("line")).map((line) => line.length)).toEqual([1 << 20]);
  });

  test("that old children had gone on writing to before they were packed give their last lines", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const registry = new Registry();
    writeFileSync(log, numbered(0, 10));
    {
      await using running = new Running(log, registry);
      await running.has(10);
      rotate(log);
      appendFileSync(log, numbered(10, 20));
      await running.has(20);
    }
    appendFileSync(`${log}.1`, "a socket that was open\n");
    packFile(`${log}.1`);
    await using running = new Running(log, registry);
    await running.isIdleWith(["a socket that was open"]);
  });

  test("that were there before the first start stay unread", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const registry = new Registry();
    for (const generation of [1, 2]) {
      writeFileSync(`${log}.${generation}`, numbered(generation * 100, generation * 100 + 10));
      utimesSync(`${log}.${generation}`, 5_000 - generation, 5_000 - generation);
    }
    packFile(`${log}.2`);
    await readOnce(log, numbered(0, 10), registry);
    await using running = new Running(log, registry);
    await eventually(() => running.tailer.status()[0]?.lagBytes).toBe(0);
    rotate(log);
    appendFileSync(log, numbered(10, 11));
    await running.isIdleWith(["line 10"]);
  });
});

test("a generation that unpacks to a thousand times its size does not fill memory", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  await readOnce(log, numbered(0, 10), registry);
  rotate(log);
  rmSync(`${log}.1`);
  const gzip = createGzip();
  const packed = gzip.toArray();
  gzip.write(numbered(0, 10));
  // 256 MiB without a newline, and a line after it.
  for (let n = 0; n < 256; n++) await new Promise((done) => gzip.write(Buffer.alloc(1 << 20, "x"), done));
  gzip.end("\nlast\n");
  writeFileSync(`${log}.1.gz`, Buffer.concat(await packed));
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let most = 0;
  await using running = new Running(log, registry);
  const grown = () => {
    most = Math.max(most, process.memoryUsage().rss - before);
    return running.lines.length;
  };
  await expect.poll(grown, { interval: 5 }).toBe(2);
  expect(running.lines[1]).toBe("last");
  expect(running.cut.map(({ length }) => length)).toEqual([1 << 20]);
  expect(most).toBeLessThan(150 * 2 ** 20);
});

test("a log that was empty when it was first seen, and is packed before its first line is read, is read", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  writeFileSync(log, "");
  {
    await using running = new Running(log, registry);
    await eventually(() => registry.checkpoints({ id: 1 }).length).toBe(1);
    expect(running.lines).toEqual([]);
  }
  appendFileSync(log, numbered(0, 3));
  rotate(log);
  execFileSync("gzip", [`${log}.1`]);
  await using running = new Running(log, registry);
  await running.isIdleWith(linesOf(numbered(0, 3)));
});

test("when rotation has deleted all that was read, what was written since is read", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  writeFileSync(`${log}.8`, "long before the first start\n");
  utimesSync(`${log}.8`, 1_000, 1_000);
  await readOnce(log, numbered(0, 10), registry);
  rmSync(log);
  const soon = Date.now() / 1_000 + 1;
  for (const generation of [2, 1]) {
    const path = `${log}.${generation}`;
    writeFileSync(path, numbered(100 - generation, 101 - generation));
    utimesSync(path, soon, soon);
  }
  writeFileSync(log, "now\n");
  await using running = new Running(log, registry);
  await running.isIdleWith(["line 98", "line 99", "now"]);
});

test("generations that are named by date are read in the order of their dates", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  await readOnce(log, numbered(0, 10), registry);
  renameSync(log, `${log}-20261009`);
  writeFileSync(`${log}-20261010`, gzipSync(numbered(10, 20)));
  writeFileSync(`${log}-20261101`, numbered(20, 30));
  utimesSync(`${log}-20261010`, 9_999_999, 9_999_999);
  writeFileSync(log, numbered(30, 40));
  await using running = new Running(log, registry);
  await running.isIdleWith(linesOf(numbered(10, 40)));
});

test("where the log is a link, the generations beside its file are read", async () => {
  using folder = temporaryFolder();
  const registry = new Registry();
  const file = join(folder.path, "site/access.log");
  const link = join(folder.path, "access.log");
  mkdirSync(join(folder.path, "site"));
  symlinkSync(file, link);
  await readOnce(link, numbered(0, 10), registry);
  appendFileSync(file, numbered(10, 20));
  rotate(file);
  rotate(file);
  appendFileSync(file, numbered(20, 30));
  await using running = new Running(link, registry);
  await running.isIdleWith(linesOf(numbered(10, 30)));
});

test("a generation in a packing that cannot be read is told", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  await readOnce(log, numbered(0, 10), registry);
  rotate(log);
  rotate(log);
  rmSync(`${log}.1`);
  writeFileSync(`${log}.1.xz`, Buffer.from("fd377a585a000004e6d6b446", "hex"));
  appendFileSync(log, numbered(10, 20));
  await using running = new Running(log, registry);
  await running.isIdleWith(linesOf(numbered(10, 20)));
  expect(running.problem()?.message).toContain("neither gzip nor zstd");
});

describe("copytruncate", () => {
  const copyAndTruncate = (log: string): void => {
    if (existsSync(`${log}.1`)) renameSync(`${log}.1`, `${log}.2`);
    copyFileSync(log, `${log}.1`);
    truncateSync(log);
  };

  test("loses no line that was written before the copy was made, live and while nobody watches", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const registry = new Registry();
    writeFileSync(log, numbered(0, 10));
    {
      await using running = new Running(log, registry);
      await running.has(10);
      appendFileSync(log, numbered(10, 20));
      copyAndTruncate(log);
      appendFileSync(log, numbered(20, 50));
      await running.isIdleWith(linesOf(numbered(0, 50)));
    }
    appendFileSync(log, numbered(50, 60));
    copyAndTruncate(log);
    appendFileSync(log, numbered(60, 70));
    copyAndTruncate(log);
    appendFileSync(log, numbered(70, 80));
    await using running = new Running(log, registry);
    await running.isIdleWith(linesOf(numbered(50, 80)));
  });

  const packCopy = (log: string): void => {
    const { atime, mtime } = statSync(`${log}.1`);
    writeFileSync(`${log}.1.gz`, gzipSync(readFileSync(`${log}.1`)));
    rmSync(`${log}.1`);
    utimesSync(`${log}.1.gz`, atime, mtime);
  };

  test("does not make the copy be read again when lines that came behind it were read before the truncation", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const registry = new Registry();
    await readOnce(log, numbered(0, 300), registry);
    {
      await using running = new Running(log, registry);
      copyFileSync(log, `${log}.1`);
      appendFileSync(log, numbered(300, 305));
      await running.has(5);
      truncateSync(log);
      appendFileSync(log, numbered(305, 600));
      await running.isIdleWith(linesOf(numbered(300, 600)));
      renameSync(`${log}.1`, `${log}.2`);
      copyFileSync(log, `${log}.1`);
      appendFileSync(log, numbered(600, 605));
      await running.has(305);
    }
    packCopy(log);
    truncateSync(log);
    appendFileSync(log, numbered(605, 610));
    await using running = new Running(log, registry);
    await running.isIdleWith(linesOf(numbered(605, 610)));
  });

  test.each(["plain", "packed"])("a %s copy of a log that goes on is not read beside it", async (how) => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const registry = new Registry();
    await readOnce(log, numbered(0, 300), registry);
    appendFileSync(log, numbered(300, 400));
    copyFileSync(log, `${log}.1`);
    if (how === "packed") packCopy(log);
    appendFileSync(log, numbered(400, 410));
    await using running = new Running(log, registry);
    await running.isIdleWith(linesOf(numbered(300, 410)));
  });
});

describe("a log that is elsewhere", () => {
  const moved = async (log: string, text: string, change: Parameters<Registry["change"]>[0]) => {
    const registry = new Registry();
    await readOnce(log, text, registry);
    registry.change(change);
    appendFileSync(log, "next\n");
    await using running = new Running(log, registry);
    await eventually(() => running.lines.at(-1)).toBe("next");
    return running.lines;
  };

  test("on a device that has another number since a reboot it is the same", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const lines = await moved(log, numbered(0, 3), ({ fingerprint, ...rest }) => {
      return { ...rest, fingerprint: { ...fingerprint, device: fingerprint.device + 1 } };
    });
    expect(lines).toEqual(["next"]);
  });

  test("copied or restored it is the same when its first KiB and what was read last agree", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const elsewhere: Parameters<Registry["change"]>[0] = ({ fingerprint, ...rest }) => {
      return { ...rest, fingerprint: { ...fingerprint, inode: fingerprint.inode + 1 } };
    };
    expect(await moved(log, numbered(0, 200), elsewhere)).toEqual(["next"]);
    // Of a shorter one too little is known: it is read anew, as two young logs may begin with the same line.
    expect(await moved(log, numbered(0, 3), elsewhere)).toHaveLength(4);
  });
});
