/** The health of the kernel as a tree: the whole, its parts with their reasons, and its plugins. */
import type { KernelHealth } from '@plinth/host-browser';
import type { ComponentChildren } from 'preact';
import { plainText, summarise } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { addressOf } from '../parts/address.ts';
import { Badge } from '../parts/badge.tsx';
import { useInspector } from '../parts/context.ts';

/** Plugins of one branch. */
const MOST_SHOWN = 200;

/** The whole panel. */
export function HealthPanel() {
  const { health, healthChanges } = useInspector();
  useChanges(healthChanges);
  if (health === undefined) return <p class="hint">Not known yet.</p>;
  return (
    <ul class="tree panel">
      <Branch name="Everything" status={health.status} detail={`${health.state}, ${upFor(health)}`}>
        <Parts health={health} />
        {health.tenants?.map((tenant) => (
          <Branch
            key={tenant.id}
            name={`tenant ${plainText(tenant.id, 80)}`}
            status={tenant.status}
            detail={tenant.state}
          >
            <Parts health={tenant} />
          </Branch>
        ))}
      </Branch>
    </ul>
  );
}

function Parts({ health: { parts, plugins } }: { readonly health: KernelHealth }) {
  return (
    <>
      {Object.entries(parts).map(([part, { status, reasons }]) => (
        <Branch key={part} name={part} status={status}>
          {reasons.length + (part === 'plugins' ? plugins.length : 0) > 0 && (
            <>
              {reasons.map((reason) => (
                <li key={reason} class="problem">
                  {plainText(reason, 600)}
                </li>
              ))}
              {part === 'plugins' && <Plugins plugins={plugins} />}
            </>
          )}
        </Branch>
      ))}
    </>
  );
}

function Plugins({ plugins }: Pick<KernelHealth, 'plugins'>) {
  const more = plugins.length - MOST_SHOWN;
  return (
    <>
      {plugins.slice(0, MOST_SHOWN).map(({ id, state, status, details, error }) => (
        <li key={id}>
          <a href={addressOf('plugins', id)}>{plainText(id, 80)}</a> <Badge state={status} />{' '}
          <span class="hint">
            {state}
            {details !== undefined && `, ${summarise(details)}`}
            {error !== undefined && `, ${plainText(error.message, 300)}`}
          </span>
        </li>
      ))}
      {more > 0 && <li class="hint">and {more} more</li>}
    </>
  );
}

/** A part. What is below it, like the reasons of one that isn't healthy, can be folded. */
function Branch({
  name,
  status,
  detail,
  children,
}: {
  readonly name: string;
  readonly status: string;
  readonly detail?: string;
  readonly children: ComponentChildren;
}) {
  const line = (
    <>
      <strong>{name}</strong> <Badge state={status} />{' '}
      {detail !== undefined && <span class="hint">{detail}</span>}
    </>
  );
  return (
    <li data-part={name}>
      {children === false ? (
        line
      ) : (
        <details open>
          <summary>{line}</summary>
          <ul>{children}</ul>
        </details>
      )}
    </li>
  );
}

const upFor = ({ uptime }: KernelHealth) => `up for ${Math.round(uptime / 1_000)} s`;
