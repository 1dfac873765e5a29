/** The least that any reader of a log does: read the file and find its newlines. Prints how many there are. */
import { closeSync, openSync, readSync } from "node:fs";

const file = openSync(process.argv[2]!, "r");
const chunk = Buffer.allocUnsafe(1 << 20);
let newlines = 0;
for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
  for (let at = chunk.indexOf(10); at !== -1 && at < read; at = chunk.indexOf(10, at + 1)) newlines++;
}
closeSync(file);
console.log(newlines);
