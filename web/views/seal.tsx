/** 関所, drawn in strokes: many systems have no Japanese font. */
const KAN = [
  "M4 3V22M4 3H10V9.6H4M4 6.3H10",
  "M20 3V20.6Q20 22 18.4 22M20 3H14V9.6H20M14 6.3H20",
  "M9.2 11.4L10.2 13.2M14.8 11.4L13.8 13.2M8 14.6H16M7 17.4H17",
  "M12 14.6V16.6Q11.4 19.8 7.4 21.8M12.2 17.4Q13.4 20 16.8 21.6",
].join("");
const SHO = [
  "M2.6 3.6H11.4M4 7.4H10.6V13.2H4M4 7.4V14Q4 19 1.8 22",
  "M20.8 2.8Q18 4.8 13.8 5.4V13Q13.8 18.6 11.4 22M13.8 11.4H22.6M18.2 11.4V22.2",
].join("");

export function Seal() {
  return (
    <svg class="seal" viewBox="0 0 32 58" role="img" aria-label="関所">
      <rect class="seal-ground" x="0.5" y="0.5" width="31" height="57" rx="2.5" />
      <g class="seal-strokes">
        <path d={KAN} transform="translate(4 3.5)" />
        <path d={SHO} transform="translate(4 30)" />
      </g>
    </svg>
  );
}
