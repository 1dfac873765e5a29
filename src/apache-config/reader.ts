import { dirname } from "node:path";
import { COMPILED_IN, CONDITIONAL, moduleNames, verdictOn } from "./conditions.ts";
import type { Failure, FileTree } from "./files.ts";
import { hasWildcard } from "./glob.ts";
import { expandMacro, type Macro } from "./macro.ts";
import { expand, firstWord, type LogicalLine, logicalLines, type Place, wordsOf } from "./words.ts";

/** A section that holds directives: `<VirtualHost *:443>`, `<Location /ws>`. Conditions such as `<IfModule>` are none. */
export interface Section {
  /** In lower case. */
  readonly name: string;
  readonly words: readonly string[];
  readonly place: Place;
  readonly parent: Section | null;
}

/** One directive that is in force, its variables replaced and its words unquoted. */
export interface Directive {
  /** In lower case. */
  readonly name: string;
  readonly words: readonly string[];
  readonly place: Place;
  readonly section: Section | null;
}

/** Something in the configuration that could not be followed. */
export interface ReadProblem {
  readonly place: Place | null;
  readonly message: string;
  readonly hint: string;
}

export interface ReadConfig {
  /** In the order in which Apache reads them, those of included files where they are included. */
  readonly directives: readonly Directive[];
  readonly sections: readonly Section[];
  /** Every Include and IncludeOptional, whether a file was there or not. */
  readonly includes: readonly Directive[];
  /** Every file that was read, once. */
  readonly files: readonly string[];
  /** Files and folders that are there and that this user may not read. */
  readonly closed: readonly string[];
  readonly problems: readonly ReadProblem[];
  /** As Apache has it in the end; relative paths begin there. */
  readonly serverRoot: string;
}

export interface ReadOptions {
  readonly tree: FileTree;
  /** Apache's main file, as it is reached from here. */
  readonly main: string;
  /** Apache's own path, until a ServerRoot directive says another. */
  readonly serverRoot: string;
  /** What Apache is started with, for `${NAME}`. */
  readonly environment: ReadonlyMap<string, string>;
  /** `-D NAME` of its start. */
  readonly defines: readonly string[];
  /** What takes `configtest` and `-v` there. */
  readonly control: string;
}

const MAX_DEPTH = 50;
const MAX_FILES = 20_000;
const MAX_LINES = 1_000_000;
/** Of all files together, one that is included again counted again. */
const MAX_CHARACTERS = 2 ** 26;
const MAX_PROBLEMS = 100;

/** An open section, or a condition, whose lines are read while `active`. */
interface Frame {
  readonly name: string;
  readonly active: boolean;
  readonly section: Section | null;
}

/** Reads Apache's configuration as Apache does. Never throws for what a file says. */
export const readApacheConfig = (options: ReadOptions): ReadConfig => new Reader(options).read(options.main);

/**
 * Goes through the lines in Apache's order. What acts while the configuration is being read (Include, Define, LoadModule,
 * conditions, macros) acts at once; everything else is kept for those who look for it.
 */
class Reader {
  readonly #tree: FileTree;
  readonly #variables = new Map<string, string>();
  readonly #environment: ReadonlyMap<string, string>;
  readonly #defines: Set<string>;
  readonly #control: string;
  readonly #modules = new Set(COMPILED_IN);
  readonly #macros = new Map<string, Macro>();
  readonly #directives: Directive[] = [];
  readonly #sections: Section[] = [];
  readonly #includes: Directive[] = [];
  readonly #files = new Set<string>();
  readonly #closed = new Set<string>();
  readonly #problems: ReadProblem[] = [];
  /** Files and macros that are being read, outermost first. */
  readonly #open: string[] = [];
  #frames: Frame[] = [];
  #recording: {
    readonly name: string;
    readonly parameters: readonly string[];
    lines: LogicalLine[];
    depth: number;
  } | null = null;
  #serverRoot: string;
  #lines = 0;
  #filesRead = 0;
  #characters = 0;
  #isTooMuch = false;

  constructor({ tree, serverRoot, environment, defines, control }: ReadOptions) {
    this.#tree = tree;
    this.#serverRoot = serverRoot;
    this.#environment = environment;
    this.#defines = new Set(defines);
    this.#control = control;
  }

  read(main: string): ReadConfig {
    this.#readFile(main, null, true);
    return {
      directives: this.#directives,
      sections: this.#sections,
      includes: this.#includes,
      files: [...this.#files],
      closed: [...this.#closed],
      problems: this.#problems,
      serverRoot: this.#serverRoot,
    };
  }

  #problem(place: Place | null, message: string, hint: string): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push({ place, message, hint });
  }

  #readFile(path: string, place: Place | null, required: boolean): void {
    if (this.#open.includes(path)) {
      this.#problem(place, `${path} includes itself`, "Apache would not start either; take the Include away");
      return;
    }
    if (this.#filesRead >= MAX_FILES || this.#characters > MAX_CHARACTERS) {
      if (!this.#isTooMuch)
        this.#problem(place, `more than ${MAX_FILES} files or 64 MiB are included`, TOO_MUCH);
      this.#isTooMuch = true;
      return;
    }
    this.#filesRead++;
    const content = this.#tree.read(path);
    if ("text" in content) {
      this.#characters += content.text.length;
      this.#files.add(path);
      this.#within(path, place, () => this.#readLines(logicalLines(content.text, path)));
    } else if (content.failure !== "missing" || required) this.#failed(path, content.failure, place);
  }

  #failed(path: string, failure: Failure, place: Place | null): void {
    if (failure === "no permission to read it") this.#closed.add(path);
    const why = failure === "missing" ? "there is no such file" : failure;
    if (path !== "/dev/null")
      this.#problem(place, `${path}: ${why}`, failure === "missing" ? this.#refused : FAILURE_HINTS[failure]);
  }

  /** Sections that are opened in a file or macro end with it. */
  #within(name: string, place: Place | null, read: () => void): void {
    if (this.#open.length >= MAX_DEPTH) {
      this.#problem(place, `more than ${MAX_DEPTH} files or macros one in another`, TOO_MUCH);
      return;
    }
    const outside = this.#frames;
    this.#open.push(name);
    this.#frames = [...outside];
    read();
    this.#open.pop();
    this.#frames = outside;
  }

  #readLines(lines: Iterable<LogicalLine>): void {
    for (const line of lines) {
      if (++this.#lines > MAX_LINES) {
        if (this.#lines === MAX_LINES + 1)
          this.#problem(line.place, `more than ${MAX_LINES} lines`, TOO_MUCH);
        return;
      }
      if (this.#recording === null) this.#readLine(line);
      else this.#record(line);
    }
  }

  #readLine(line: LogicalLine): void {
    const [raw] = firstWord(line.text);
    if (raw.startsWith("</")) {
      this.#close(raw, line.place);
      return;
    }
    const active = this.#frames.at(-1)?.active ?? true;
    if (!active) {
      if (raw.startsWith("<"))
        this.#frames.push({ name: sectionName(raw), active: false, section: this.#section });
      return;
    }
    const text = expand(line.text, (name) => this.#variables.get(name) ?? this.#environment.get(name));
    if (text === null) {
      this.#problem(line.place, "a line that variables make too long", TOO_MUCH);
      return;
    }
    const [name, rest] = firstWord(text);
    if (name.startsWith("<")) this.#openSection(name, rest, line.place);
    else this.#act(name.toLowerCase(), wordsOf(rest), line.place);
  }

  get #refused(): string {
    return `Apache would refuse to start with it: see ${this.#control} configtest`;
  }

  get #undecided(): string {
    return `it depends on Apache's exact version (${this.#control} -v); look whether that is right`;
  }

  get #section(): Section | null {
    return this.#frames.at(-1)?.section ?? null;
  }

  #openSection(raw: string, rest: string, place: Place): void {
    const name = sectionName(raw);
    const words = wordsOf(rest.replace(/>\s*$/, ""));
    if (name === "macro") {
      const [macro = "", ...parameters] = words;
      this.#recording = { name: macro.toLowerCase(), parameters, lines: [], depth: 1 };
      return;
    }
    if (CONDITIONAL.includes(name)) {
      this.#frames.push({ name, active: this.#holds(name, words, place), section: this.#section });
      return;
    }
    const section: Section = { name, words, place, parent: this.#section };
    this.#sections.push(section);
    this.#frames.push({ name, active: true, section });
  }

  #holds(name: string, words: readonly string[], place: Place): boolean {
    const exists = (path: string) => this.#tree.exists(this.#tree.locate(path, this.#serverRoot));
    const verdict = verdictOn(name, words, { modules: this.#modules, defines: this.#defines, exists });
    const read = verdict.holds ? "read" : "left out";
    if (!verdict.certain)
      this.#problem(place, `<${name} ${words.join(" ")}> was ${read}: a guess`, this.#undecided);
    return verdict.holds;
  }

  #close(raw: string, place: Place): void {
    const name = raw.slice(2).replace(/>$/, "").toLowerCase();
    const at = this.#frames.findLastIndex((frame) => frame.name === name);
    if (at === -1) this.#problem(place, `${raw} closes nothing`, this.#refused);
    else this.#frames.splice(at);
  }

  #record(line: LogicalLine): void {
    const recording = this.#recording!;
    const [word] = firstWord(line.text);
    const name = sectionName(word);
    if (name === "macro") recording.depth++;
    if (name === "/macro" && --recording.depth === 0) {
      this.#macros.set(recording.name, recording);
      this.#recording = null;
    } else recording.lines.push(line);
  }

  #act(name: string, words: readonly string[], place: Place): void {
    const [first = "", second = ""] = words;
    switch (name) {
      case "include":
        this.#includes.push({ name, words, place, section: this.#section });
        this.#include(first, place, true);
        return;
      case "includeoptional":
        this.#includes.push({ name, words, place, section: this.#section });
        this.#include(first, place, false);
        return;
      case "serverroot":
        this.#serverRoot = first;
        return;
      case "define":
        this.#defines.add(first);
        if (second !== "") this.#variables.set(first, second);
        return;
      case "undefine":
        this.#defines.delete(first);
        this.#variables.delete(first);
        return;
      case "loadmodule":
        for (const each of moduleNames(first, second)) this.#modules.add(each);
        break;
      case "use":
        this.#use(words, place);
        return;
    }
    this.#directives.push({ name, words, place, section: this.#section });
  }

  #include(pattern: string, place: Place, required: boolean): void {
    const path = this.#tree.locate(pattern, this.#serverRoot);
    const { files, closed } = this.#tree.matching(path);
    for (const folder of closed) this.#failed(folder, "no permission to read it", place);
    if (files.length === 0 && closed.length === 0 && required && hasWildcard(pattern))
      this.#problem(place, `no file matches ${path}`, this.#refused);
    for (const file of files) this.#readFile(file, place, required);
  }

  #use([name = "", ...words]: readonly string[], place: Place): void {
    const macro = this.#macros.get(name.toLowerCase());
    const key = `macro ${name.toLowerCase()}`;
    const lines = macro === undefined ? null : expandMacro(macro, words);
    if (macro === undefined) this.#problem(place, `there is no macro ${name} here`, this.#refused);
    else if (this.#open.includes(key)) this.#problem(place, `macro ${name} uses itself`, this.#refused);
    else if (lines === null) {
      const takes = `takes ${macro.parameters.length} words and is given ${words.length}, or gets too long`;
      this.#problem(place, `macro ${name} ${takes}`, this.#refused);
    } else this.#within(key, place, () => this.#readLines(lines));
  }
}

const TOO_MUCH = "what stands behind it was not read; name a smaller file by --apache-config";
const FAILURE_HINTS: Readonly<Record<Exclude<Failure, "missing">, string>> = {
  "no permission to read it": "run this command as root to see the whole configuration",
  "not a file": "Apache's Include should name a file",
  "larger than 16 MiB": "Apache's Include should name a file of directives",
  "cannot be read": "check the disk",
};

/** `<IfModule` or `<IfModule>` is `ifmodule`. */
const sectionName = (word: string): string => word.slice(1).replace(/>$/, "").toLowerCase();

/** Where Apache takes relative paths from when neither it nor its main file says so. */
export const defaultServerRoot = (main: string): string => dirname(main).replace(/\/conf$/, "");
