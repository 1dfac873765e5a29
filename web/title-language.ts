import { signal } from "@preact/signals";
import { keep, kept } from "./kept.ts";

const LANGUAGES = ["en", "ja"] as const;
export type TitleLanguage = (typeof LANGUAGES)[number];
const KEY = "sekisho-title-language";

/** Of the two, the one that the browser asks pages for first. */
const preferred = (): TitleLanguage =>
  navigator.languages
    .map((language) => LANGUAGES.find((each) => language.split("-", 1)[0] === each))
    .find((known) => known !== undefined) ?? "en";

/** In which language rules are named. */
export const titleLanguage = signal<TitleLanguage>(kept(KEY, LANGUAGES) ?? preferred());

/** A choice equal to the browser's is forgotten, so the page follows it again. */
export function chooseTitleLanguage(language: TitleLanguage): void {
  keep(KEY, language === preferred() ? null : language);
  titleLanguage.value = language;
}
