/** The health of the kernel as a tree: its parts with their reasons, and its plugins. */
import { plainText, summarise } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { Badge } from '../parts/badge.tsx';
import { useInspector } from '../parts/context.ts';

/** The whole panel. */
export function HealthPanel() {
  const { health, healthChanges } = useInspector();
  useChanges(healthChanges);
  if (health === undefined) return <p class="hint">Not known yet.</p>;
  return (
    <ul class="tree panel">
      {Object.entries(health.parts).map(([part, { status, reasons }]) => (
        <li key={part}>
          <strong>{part}</strong> <Badge state={status} />
          <ul>
            {reasons.map((reason) => (
              <li key={reason} class="problem">
                {plainText(reason, 600)}
              </li>
            ))}
            {part === 'plugins' &&
              health.plugins.map(({ id, state, status, details, error }) => (
                <li key={id}>
                  {plainText(id, 80)} <Badge state={status} />{' '}
                  <span class="hint">
                    {state}
                    {details !== undefined && `, ${summarise(details)}`}
                    {error !== undefined && `, ${plainText(error.message, 300)}`}
                  </span>
                </li>
              ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}
