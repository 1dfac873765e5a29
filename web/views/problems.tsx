import { sentence } from "../format.ts";
import { connection, status, troubles } from "../state.ts";
import { Text } from "./text.tsx";

/** What the whole daemon complains about, and what this page could not read. */
export function Problems() {
  const lost = {
    message: "Connection lost, retrying",
    hint: "What you see is what was last known. If it lasts: is the ssh tunnel still open, and what does `sekisho status` say on the server?",
  };
  const problems = [
    ...(connection.value === "lost" ? [lost] : []),
    ...(status.value?.problems ?? []),
    ...Object.values(troubles.value),
  ];
  return (
    <div role="alert" class="problems">
      {problems.map(({ message, hint }) => (
        <p key={message}>
          <strong>
            <Text value={message} />
          </strong>{" "}
          <Text value={sentence(hint)} />
        </p>
      ))}
    </div>
  );
}
