import type { Command, Option } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** A place in a command line: behind nothing, or behind a command and the one within it, as in `/apache/snippet`. */
interface Place {
  readonly at: string;
  /** What may be written there that is neither an option nor a file, with what it means. */
  readonly words: readonly (readonly [word: string, meaning: string])[];
  readonly options: readonly Named[];
}

interface Named {
  /** As written, the short one first. */
  readonly names: readonly string[];
  readonly meaning: string;
  /** What it takes: one of these, anything (empty), or nothing that is needed (null). */
  readonly takes: readonly string[] | null;
}

const HELP: Named = { names: ["-h", "--help"], meaning: "show this help", takes: null };
const VERSION: Named = { names: ["-V", "--version"], meaning: "show the version", takes: null };

const named = ({ short, long, description, required, argChoices }: Option): Named => ({
  names: [short, long].filter((name) => name !== undefined),
  meaning: description,
  takes: required ? (argChoices ?? []) : null,
});

/** The place behind each command, and those within it. */
function* placesBehind(at: string, commands: readonly Command[]): Generator<Place> {
  for (const command of commands) {
    const behind = `${at}/${command.name()}`;
    const choices = command.registeredArguments.flatMap(({ argChoices, description }) =>
      (argChoices ?? []).map((choice) => [choice, description] as const),
    );
    yield {
      at: behind,
      words: [...command.commands.map(nameAndMeaning), ...choices],
      options: [...command.options.map(named), HELP],
    };
    yield* placesBehind(behind, command.commands);
  }
}

const nameAndMeaning = (command: Command) => [command.name(), command.summary()] as const;

/** What has a shell complete `sekisho`. It is no command line: nothing in it depends on the machine. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  const first = { at: "", words: commands.map(nameAndMeaning), options: [HELP, VERSION] };
  const places = [first, ...placesBehind("", commands)];
  const head = `# Has ${shell} complete sekisho. Made by: sekisho completion ${shell}\n`;
  return SCRIPTS[shell](places, head);
}

const SCRIPTS: Readonly<Record<Shell, (places: readonly Place[], head: string) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

const commandPlaces = (places: readonly Place[]): string[] =>
  places.map(({ at }) => at).filter((at) => at !== "");

/** Options with a value, as bash and zsh ask for them: the place, a space, and a name of the option. */
function valued(places: readonly Place[]): {
  readonly files: string;
  readonly chosen: readonly { readonly asked: string; readonly from: string }[];
} {
  const asked = places.flatMap(({ at, options }) =>
    options.flatMap(({ names, takes }) =>
      takes === null
        ? []
        : [{ asked: names.map((name) => `"${at} ${name}"`).join("|"), from: takes.join(" ") }],
    ),
  );
  return {
    files: asked.flatMap(({ asked, from }) => (from === "" ? [asked] : [])).join("|"),
    chosen: asked.filter(({ from }) => from !== ""),
  };
}

/** Where nothing is found, bash offers files. */
function bashScript(places: readonly Place[], head: string): string {
  const { files, chosen } = valued(places);
  const values = [
    `    ${files}) ;;`,
    ...chosen.map(({ asked, from }) => `    ${asked}) words=${quoted(from)} ;;`),
  ];
  const behind = places.map(({ at, words, options }) => {
    const dashed = options.flatMap(({ names }) => names).join(" ");
    const plain = words.map(([word]) => word).join(" ");
    return `      "${at} -") words=${quoted(dashed)} ;;\n      "${at} "*) words=${quoted(plain)} ;;`;
  });
  return `${head}_sekisho() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} at= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case $at/\${COMP_WORDS[i]} in
      ${commandPlaces(places).join("|")}) at=$at/\${COMP_WORDS[i]} ;;
    esac
  done
  case "$at $prev" in
${values.join("\n")}
    *) case "$at \${cur:0:1}" in
${behind.join("\n")}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _sekisho sekisho
`;
}

function zshScript(places: readonly Place[], head: string): string {
  const described = (name: string, meaning: string): string =>
    quoted(`${name.replaceAll(":", "\\:")}:${meaning}`);
  const { files, chosen } = valued(places);
  const values = [
    `    (${files}) _files; return ;;`,
    ...chosen.map(({ asked, from }) => `    (${asked}) compadd ${from}; return ;;`),
  ];
  const behind = places.flatMap(({ at, words, options }) => {
    const dashed = options.flatMap(({ names, meaning }) => names.map((name) => described(name, meaning)));
    const plain = words.map(([word, meaning]) => described(word, meaning));
    return [
      `    ("${at} -") found=(${dashed.join(" ")}) ;;`,
      ...(plain.length === 0 ? [] : [`    ("${at} ") found=(${plain.join(" ")}) ;;`]),
    ];
  });
  return `#compdef sekisho
${head}_sekisho() {
  local at= i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    case $at/$words[i] in
      (${commandPlaces(places).join("|")}) at=$at/$words[i] ;;
    esac
  done
  case "$at $words[CURRENT-1]" in
${values.join("\n")}
  esac
  case "$at \${\${PREFIX[1]}//[^-]/}" in
${behind.join("\n")}
    (*) _files; return ;;
  esac
  _describe sekisho found
}
if [[ $funcstack[1] == _sekisho ]]; then _sekisho "$@"; else compdef _sekisho sekisho; fi
`;
}

function fishScript(places: readonly Place[], head: string): string {
  const fish = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const lines = places.flatMap(({ at, words, options }) => {
    const here = `complete -c sekisho -n '__sekisho_at "${at}"'`;
    return [
      ...words.map(([word, meaning]) => `${here} -f -a ${word} -d ${fish(meaning)}`),
      ...options.map(({ names, meaning, takes }) => {
        const flags = names.map((name) =>
          name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
        );
        const value = takes === null ? "" : takes.length === 0 ? " -r" : ` -x -a ${fish(takes.join(" "))}`;
        return `${here} ${flags.join(" ")}${value} -d ${fish(meaning)}`;
      }),
    ];
  });
  return `${head}function __sekisho_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        switch $at/$word
            case ${commandPlaces(places).join(" ")}
                set at $at/$word
        end
    end
    test "$at" = "$argv[1]"
end
${lines.join("\n")}
`;
}

/** For bash and zsh. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
