import { readdirSync, type Stats, statSync } from "node:fs";

/** The names in a folder, sorted, and how it was when they were read. */
interface Listing {
  readonly names: readonly string[];
  readonly stat: Pick<Stats, "dev" | "ino" | "ctimeMs">;
  readonly at: number;
}

/** Listings are kept, as all are looked at twice a second: the newest, up to so many names and folders together. */
const listings = new Map<string, Listing>();
const MOST_KEPT = 500_000;
let kept = 0;
/** The coarsest clock that a file system has for a folder's time of change: within it a change leaves no trace. */
const COARSEST_MS = 2_000;

/** The names in a folder, sorted. Empty where there is no folder or it may not be read: that is reported when a log is opened. */
export const namesIn = (folder: string): readonly string[] =>
  listed(folder, folder, () => readdirSync(folder));

/** Only the names that may be folders: plain files, however many there are, do not count towards the limit of folders. */
export const foldersIn = (folder: string): readonly string[] =>
  listed(folder, `${folder}/`, () =>
    readdirSync(folder, { withFileTypes: true }).flatMap((each) => (each.isFile() ? [] : [each.name])),
  );

function listed(folder: string, key: string, read: () => string[]): readonly string[] {
  try {
    const at = Date.now();
    const stat = statSync(folder, { throwIfNoEntry: false });
    if (stat?.isDirectory() !== true) return [];
    const known = listings.get(key);
    const { dev, ino, ctimeMs } = known?.stat ?? {};
    const isSame = dev === stat.dev && ino === stat.ino && ctimeMs === stat.ctimeMs;
    if (known !== undefined && isSame && known.at - stat.ctimeMs > COARSEST_MS) return known.names;
    const { names } = keep(key, { names: read().sort(), stat, at });
    return names;
  } catch {
    return [];
  }
}

function keep(key: string, listing: Listing): Listing {
  drop(key);
  listings.set(key, listing);
  kept += sizeOf(listing);
  for (const oldest of listings.keys()) {
    if (kept <= MOST_KEPT || oldest === key) break;
    drop(oldest);
  }
  return listing;
}

function drop(key: string): void {
  const listing = listings.get(key);
  if (listing === undefined) return;
  listings.delete(key);
  kept -= sizeOf(listing);
}

const sizeOf = ({ names }: Listing): number => names.length + 1;
