/** The frame around every page. */
import { useEffect } from "preact/hooks";
import { pageOf } from "../pages/registry";
import { page } from "../state/app";
import { SnapshotBanner } from "./banner";
import { useFeed } from "./context";
import { Header } from "./header";
import { Help } from "./help";
import { Icon } from "./icon";
import { MarkBox } from "./markbox";
import { MarksTable } from "./markstable";
import { TimeBar } from "./timebar";
import { TracesPanel } from "./traces";

export function App() {
  const { problem } = useFeed().connection;
  const shown = pageOf(page.value);
  useEffect(() => {
    document.title = `Tenth: ${shown?.title}`;
  }, [shown]);
  if (!shown) return null;
  return (
    <>
      <div class="top">
        <Header />
        <SnapshotBanner />
        <TimeBar />
      </div>
      {problem.value !== "" && (
        <p class="problem" role="alert">
          <Icon name="warn" />
          {problem.value}
          <button onClick={() => (problem.value = "")}>Dismiss</button>
        </p>
      )}
      <main>
        <shown.component />
      </main>
      <MarksTable />
      <TracesPanel />
      <MarkBox />
      <Help />
    </>
  );
}
