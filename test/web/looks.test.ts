import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { Dashboard } from "./dashboard.ts";

/** With the heading that each begins with. */
const PAGES = [
  ["#overview", "Overview"],
  ["#incident/3", "192.0.2.66"],
  ["#rules", "Rules"],
  ["#rule/apache-forbidden", "Requests that Apache forbids"],
  ["#lists", "Lists"],
] as const;
/** A finger's width, in CSS pixels. */
const FINGER = 44;

describe.skipIf(missing("chromium"))("the page's looks", () => {
  const dashboard = new Dashboard();

  const show = async (fragment: string, heading: string): Promise<void> => {
    await dashboard.page.goto(dashboard.server.url + fragment);
    await dashboard.page.getByRole("heading", { name: heading, level: 1 }).waitFor();
  };

  test("on a phone everything that is pressed is a finger high", async () => {
    await asPhone(dashboard.page);
    await dashboard.signIn();
    for (const [fragment, heading] of PAGES) {
      await show(fragment, heading);
      expect(await dashboard.page.evaluate(lowerThan, FINGER), fragment).toEqual([]);
    }
  });

  test("text holds 4.5:1 on what is behind it, in both themes", async () => {
    await dashboard.page.emulateMedia({ reducedMotion: "reduce" });
    await dashboard.signIn();
    for (const colorScheme of ["light", "dark"] as const) {
      await dashboard.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const [fragment, heading] of PAGES) {
        await show(fragment, heading);
        expect(await dashboard.page.evaluate(paleTexts), `${fragment} ${colorScheme}`).toEqual([]);
      }
    }
  });

  test("on paper it is ink on white in the dark theme too, times are whole, and nothing is a button", async () => {
    const { page } = dashboard;
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    await dashboard.signIn();
    await show("#rules", "Rules");
    await page.emulateMedia({ colorScheme: "dark", media: "print", reducedMotion: "reduce" });
    expect(await page.locator(":is(button, input, select):visible").count()).toBe(0);
    await show("#incident/3", "192.0.2.66");
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe(
      "rgb(255, 255, 255)",
    );
    expect(await page.evaluate(paleTexts)).toEqual([]);
    expect(await page.locator(":is(button, input, select):visible").count()).toBe(0);
    const since = page.locator(".bans time").first();
    expect(await since.evaluate((time) => getComputedStyle(time, "::after").content)).toContain("20");
    await page.emulateMedia({ media: "screen" });
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    expect(await page.locator("html").getAttribute("data-theme")).toBe("light");
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
    expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
  });

  test("a whole IPv6 address leaves room for why it is banned", async () => {
    const long = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128";
    dashboard.server.bans = dashboard.server.bans.map((ban) =>
      ban.id === 6 ? { ...ban, target: long } : ban,
    );
    await dashboard.signIn();
    const row = dashboard.ban(long);
    const [target, why] = await Promise.all(["th", ".why"].map((cell) => row.locator(cell).boundingBox()));
    expect(why!.width).toBeGreaterThan(target!.width);
  });

  test("on a tablet the facts of a ban stand side by side", async () => {
    await dashboard.page.setViewportSize({ width: 768, height: 1024 });
    await dashboard.signIn();
    const facts = dashboard.ban("192.0.2.66/32").locator("td[data-label]");
    // In one look, as what is read meanwhile moves the rows.
    const tops = await facts.evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().top));
    expect(tops[1]).toBe(tops[0]);
    expect(await dashboard.overflow()).toBe(0);
  });

  test("where the system forces its colours, what is chosen and where one is stand out", async () => {
    await dashboard.page.emulateMedia({ forcedColors: "active" });
    await dashboard.signIn();
    const looks = (selector: string, property: "backgroundColor" | "borderBottomColor") =>
      dashboard.page
        .locator(selector)
        .evaluateAll(
          (elements, name) => new Set(elements.map((element) => getComputedStyle(element)[name])).size,
          property,
        );
    expect(await looks(".traffic .choice button", "backgroundColor")).toBe(2);
    expect(await looks(".pages a", "borderBottomColor")).toBe(2);
  });

  test("nothing moves for who asked for less motion", async () => {
    await dashboard.page.emulateMedia({ reducedMotion: "reduce" });
    await dashboard.signIn();
    const moving = await dashboard.page.evaluate(
      () =>
        [...document.querySelectorAll("*")].filter((element) => {
          const { transitionDuration, animationName } = getComputedStyle(element);
          return transitionDuration !== "0s" || animationName !== "none";
        }).length,
    );
    expect(moving).toBe(0);
  });
});

async function asPhone(page: Page): Promise<void> {
  await page.setViewportSize({ width: 390, height: 844 });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Emulation.setTouchEmulationEnabled", { enabled: true });
}

/** Runs in the page: what can be pressed, is seen, and is lower than so many pixels. */
function lowerThan(pixels: number): string[] {
  return [...document.querySelectorAll("a, button, input, select, summary")]
    .map((element) => ({ element, box: element.getBoundingClientRect() }))
    .filter(({ element, box }) => box.height > 0 && box.height < pixels && !element.matches(".skip"))
    .map(({ element, box }) => `${element.outerHTML.slice(0, 80)}: ${box.height}`);
}

/** Runs in the page: texts whose colour is too near to that of the ground under them. */
function paleTexts(): string[] {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true })!;
  const rgba = (color: string): readonly number[] => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (color: readonly number[]): number => {
    const [r = 0, g = 0, b = 0] = color
      .map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element: Element | null): readonly number[] => {
    if (element === null) return [255, 255, 255, 255];
    const ground = rgba(getComputedStyle(element).backgroundColor);
    return ground[3] === 255 ? ground : groundOf(element.parentElement);
  };
  const found: string[] = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement!;
    if (!element.checkVisibility({ visibilityProperty: true }) || texts.currentNode.nodeValue!.trim() === "")
      continue;
    const [one = 0, other = 0] = [rgba(getComputedStyle(element).color), groundOf(element)]
      .map(luminance)
      .sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) found.push(`${texts.currentNode.nodeValue!.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return found;
}
