/** What stands where there is nothing: is there nothing, or has it not come yet? */
import { historyLoading, useFeed } from "./context";

export function Empty({ text }: { text: string }) {
  const waits = historyLoading.value > 0 || useFeed().connection.services.value === null;
  return <p class="quiet">{waits ? "loading" : text}</p>;
}
