/** What to do while no service sends anything. */
import { useSignal } from "@preact/signals";
import { snapshot } from "../state/snapshot";
import { Icon } from "./icon";

const COPIED_MS = 1_500;

export function Welcome() {
  if (snapshot) return <p class="quiet block">The snapshot has nothing of this.</p>;
  return (
    <section class="welcome">
      <h2>Nothing has come in yet</h2>
      <p>Point any OpenTelemetry SDK or Collector here:</p>
      <Copyable text={`OTEL_EXPORTER_OTLP_ENDPOINT=http://${location.hostname}:4317`} />
      <p>See your service every 200 ms instead of every 5 s:</p>
      <Copyable text="OTEL_BSP_SCHEDULE_DELAY=200 OTEL_BLRP_SCHEDULE_DELAY=200 OTEL_METRIC_EXPORT_INTERVAL=1000" />
      <p>Or look at a made-up shop first:</p>
      <Copyable text="tenth demo" />
    </section>
  );
}

function Copyable({ text }: { text: string }) {
  const copied = useSignal(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    copied.value = true;
    setTimeout(() => (copied.value = false), COPIED_MS);
  };
  return (
    <div class="copyable">
      <code>{text}</code>
      {/* Browsers lend the clipboard to secure origins only. */}
      {isSecureContext && (
        <button onClick={() => void copy()}>
          <Icon name="copy" />
          {copied.value ? "Copied" : "Copy"}
        </button>
      )}
    </div>
  );
}
