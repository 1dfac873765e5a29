import type { Socket } from "node:net";
import type { Spool } from "./spool.ts";

/** What an app is answered whose line is no audit event. */
export interface Complaint {
  readonly error: string;
  readonly hint: string;
}

/** What is wrong with a line, one character a byte; null for an audit event. */
export type CheckLine = (line: string) => Complaint | null;

/** Bytes of a line at most, its newline not counted. An audit event of which all is kept has a quarter of that. */
export const LINE_BYTES = 65_536;
/** Answers that wait for an app to read them. One that does not read gets no more. */
const ANSWER_BYTES = 16_384;
/** Pieces of a line that are joined: a sender of single bytes must not cost a hundred times their memory. */
const PIECES = 64;
const NEWLINE = 10;

const TOO_LONG: Complaint = {
  error: `the line is longer than ${LINE_BYTES} bytes and was dropped`,
  hint: "send less in detail",
};

const NO_END: Complaint = {
  error: "the last line has no end and was dropped",
  hint: "end each line with a newline",
};

/**
 * One app's connection. Whole lines go to the spool as they came, bad ones too: there they are counted as unparsed and
 * shown. Bad ones are answered also.
 *
 * An empty line is no line but a question: it is answered with `received`, how many lines of this connection there are in
 * the spool's file, once all before it are. That the connection ends says nothing of this, as it ends with the daemon too.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #spool: Spool;
  readonly #check: CheckLine;
  readonly #dropped: () => void;
  readonly #resume = (): void => void this.#socket.resume();
  /** What came of a line whose end has not come yet. */
  #half: Buffer[] = [];
  #halfLength = 0;
  #isPassingOver = false;
  #arrived: Promise<void> = Promise.resolve();
  /** What is waited for to answer a question. */
  #asked: Promise<void> | null = null;
  /** Lines that are in the spool's file. */
  #received = 0;

  constructor(socket: Socket, spool: Spool, check: CheckLine, dropped: () => void) {
    this.#socket = socket;
    this.#spool = spool;
    this.#check = check;
    this.#dropped = dropped;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.once("end", () => this.#finish());
    socket.once("close", () => this.#end());
    // An app that dies takes its connection with it; `close` follows.
    socket.on("error", () => {});
    this.#pauseWhenFull();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const whole: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = this.#complete(chunk.subarray(start, end + 1));
      start = end + 1;
      if (line === null) continue;
      if (line.length > 1) whole.push(line);
      else this.#confirm(whole.splice(0));
    }
    this.#keep(chunk.subarray(start));
    this.#store(whole);
    this.#pauseWhenFull();
  }

  #store(lines: readonly Buffer[]): void {
    if (lines.length === 0) return;
    this.#arrived = this.#spool.append(Buffer.concat(lines)).then(() => {
      this.#received += lines.length;
    });
  }

  #confirm(lines: readonly Buffer[]): void {
    this.#store(lines);
    // Many questions at once have one answer.
    if (this.#asked === this.#arrived) return;
    const asked = this.#arrived;
    this.#asked = asked;
    void asked.then(() => {
      if (this.#asked === asked) this.#asked = null;
      this.#answer({ received: this.#received });
    });
  }

  #pauseWhenFull(): void {
    if (this.#spool.holdBack(this.#resume)) this.#socket.pause();
  }

  #finish(): void {
    if (this.#halfLength > 0) this.#answer(NO_END);
    void this.#arrived.then(() => this.#socket.end());
  }

  /** The line that these bytes end, with its newline; null when it is too long. */
  #complete(rest: Buffer): Buffer | null {
    const wasPassedOver = this.#isPassingOver;
    const line = this.#half.length === 0 ? rest : Buffer.concat([...this.#half, rest]);
    this.#half = [];
    this.#halfLength = 0;
    this.#isPassingOver = false;
    if (wasPassedOver) return null;
    if (line.length > LINE_BYTES + 1) {
      this.#refuse();
      return null;
    }
    if (line.length === 1) return line;
    const complaint = this.#check(line.toString("latin1", 0, line.length - 1));
    if (complaint !== null) this.#answer(complaint);
    return line;
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0 || this.#isPassingOver) return;
    this.#halfLength += rest.length;
    if (this.#halfLength <= LINE_BYTES) {
      // A copy, as a slice of a few bytes would keep its whole chunk.
      this.#half.push(Buffer.from(rest));
      if (this.#half.length === PIECES) this.#half = [Buffer.concat(this.#half)];
      return;
    }
    this.#refuse();
    this.#half = [];
    this.#halfLength = 0;
    this.#isPassingOver = true;
  }

  #refuse(): void {
    this.#dropped();
    this.#answer(TOO_LONG);
  }

  #answer(answer: Complaint | { readonly received: number }): void {
    if (this.#socket.writableLength > ANSWER_BYTES || !this.#socket.writable) return;
    this.#socket.write(`${JSON.stringify(answer)}\n`);
  }

  #end(): void {
    this.#spool.forget(this.#resume);
    if (this.#halfLength > 0) this.#dropped();
    this.#half = [];
    this.#halfLength = 0;
  }
}
