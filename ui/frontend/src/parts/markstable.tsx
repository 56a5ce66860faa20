/** The marks of the time that is shown, for those who cannot see lines on charts. */
import { useFeed } from "./context";
import { shownSpan } from "../player";
import { fixedTime, range } from "../state/app";
import { keyOf, shownMarks, subjectOf } from "../state/marks";
import { RANGES } from "../state/url";
import { formatDateTime } from "../units";

export function MarksTable() {
  const feed = useFeed();
  const { toMs } = fixedTime.value ?? shownSpan(feed);
  const fromMs = fixedTime.value?.fromMs ?? toMs - RANGES[range.value];
  // Live, the newest are always among what is shown.
  const untilMs = fixedTime.value ? toMs : Infinity;
  const marks = shownMarks.value.filter(
    ({ time_ms }) => time_ms >= fromMs && time_ms <= untilMs,
  );
  if (marks.length === 0) return null;
  return (
    <table class="unseen">
      <caption>Marks on the charts</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">About</th>
          <th scope="col">Text</th>
        </tr>
      </thead>
      <tbody>
        {marks.map((mark) => (
          <tr key={keyOf(mark)}>
            <td>{formatDateTime(mark.time_ms)}</td>
            <td>{subjectOf(mark.service_name)}</td>
            <td>{mark.text}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
