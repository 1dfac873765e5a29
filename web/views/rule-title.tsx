import type { RuleItem } from "../../src/model/rule-status.ts";
import { type TitleLanguage, titleLanguage } from "../title-language.ts";
import { Text } from "./text.tsx";

interface RuleTitleProps {
  readonly title: RuleItem["title"];
  /** The one that the person chose, where none is given. */
  readonly language?: TitleLanguage;
}

/** A rule's name. Its language is told, for voices and for the shapes of characters. */
export function RuleTitle({ title, language = titleLanguage.value }: RuleTitleProps) {
  return (
    <span lang={language}>
      <Text value={title[language]} />
    </span>
  );
}
