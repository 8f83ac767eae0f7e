/** A button that does something asynchronous, and says how it failed. */
import { useState } from 'preact/hooks';
import { messageOf } from '../model/show-value.ts';

export { messageOf };

/** Its failure, for the component around it. */
export type OnFailure = (message: string | undefined) => void;

/**
 * The button. It is `aria-disabled`, not `disabled`: one that was just pressed would lose the
 * focus.
 */
export function Action({
  label,
  of,
  run,
  onFailure,
  possible = true,
  danger = false,
}: {
  readonly label: string;
  /** What it acts on, for a screen reader. */
  readonly of?: string;
  readonly run: () => unknown;
  readonly onFailure: OnFailure;
  readonly possible?: boolean;
  readonly danger?: boolean;
}) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    if (!possible || busy) return;
    setBusy(true);
    onFailure(undefined);
    try {
      await run();
    } catch (error) {
      onFailure(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <button
      type="button"
      class={danger ? 'danger' : undefined}
      aria-disabled={!possible}
      aria-busy={busy}
      aria-label={of === undefined ? undefined : `${label} ${of}`}
      onClick={press}
    >
      {label}
    </button>
  );
}

/** The failure of an action. */
export function Failure({ message }: { readonly message: string | undefined }) {
  return message === undefined ? null : (
    <p class="problem" role="alert">
      {message}
    </p>
  );
}
