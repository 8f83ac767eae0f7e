/** A state or status as a coloured word. */
export function Badge({ state }: { readonly state: string }) {
  return (
    <span class="badge" data-state={state}>
      {state}
    </span>
  );
}
