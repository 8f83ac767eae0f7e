/**
 * The frame of the page: health on top, the panels, and one of them in the middle. It is shown
 * before the kernel is loaded.
 */
import { useEffect, useRef } from 'preact/hooks';
import type { Inspector } from './model/inspector.ts';
import { useChanges } from './model/store.ts';
import { prefetchView } from './panel-views.ts';
import { FIRST, PANELS, type Panel } from './panels.ts';
import { useAddress } from './parts/address.ts';
import { InspectorContext, useInspector } from './parts/context.ts';
import { PanelView } from './parts/panel-view.tsx';
import { PermissionDialog } from './parts/permission-dialog.tsx';

/** @param problem why there is no kernel, or why it did not start. */
export function App({
  inspector,
  problem,
}: {
  readonly inspector?: Inspector | undefined;
  readonly problem?: string | undefined;
}) {
  const panel = usePanel();
  const main = useRef<HTMLElement>(null);
  return (
    <InspectorContext.Provider value={inspector}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip the menu
      </button>
      <header class="top">
        <h1>Plinth playground</h1>
        {inspector === undefined ? <Health status="starting" /> : <KernelLines />}
      </header>
      <div class="frame">
        <Menu current={panel} />
        <main ref={main} tabIndex={-1} aria-labelledby="panel-title">
          <h2 id="panel-title">{panel.title}</h2>
          <p class="hint about">{panel.about}</p>
          {problem !== undefined && (
            <p class="problem panel" role="alert">
              The kernel did not start: {problem}
            </p>
          )}
          {inspector !== undefined && <PanelView key={panel.path} panel={panel} />}
          {inspector === undefined && problem === undefined && (
            <p class="hint">The kernel is being loaded…</p>
          )}
        </main>
      </div>
      {inspector !== undefined && <PermissionDialog />}
    </InspectorContext.Provider>
  );
}

/** The panels. A view is loaded when the pointer or the focus comes to its link. */
function Menu({ current }: { readonly current: Panel }) {
  return (
    <nav aria-label="Panels">
      <ul>
        {PANELS.map((panel) => (
          <li key={panel.path}>
            <a
              href={`#/${panel.path}`}
              aria-current={panel === current ? 'page' : undefined}
              onPointerEnter={() => void prefetchView(panel)}
              onFocus={() => void prefetchView(panel)}
            >
              {panel.title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** What the kernel tells in every panel: how it is, and which faults are on. */
function KernelLines() {
  const { health, healthChanges, faults } = useInspector();
  useChanges(healthChanges);
  useChanges(faults.changes);
  const { status, plugins } = health ?? { status: 'starting', plugins: [] };
  const active = plugins.filter(({ state }) => state === 'active').length;
  return (
    <>
      {faults.count > 0 && (
        <a class="badge" data-state="degraded" href="#/chaos">
          {faults.count === 1 ? '1 fault is on' : `${faults.count} faults are on`}
        </a>
      )}
      <Health status={status} more={health && `${active} of ${plugins.length} plugins active`} />
    </>
  );
}

function Health({ status, more }: { readonly status: string; readonly more?: string | undefined }) {
  return (
    <p class="badge health" role="status" aria-label="Kernel health" data-state={status}>
      {more === undefined ? status : `${status}: ${more}`}
    </p>
  );
}

/** The panel of the address. Its view is loaded beside the kernel. */
function usePanel(): Panel {
  const { panel: wanted } = useAddress();
  const panel = PANELS.find(({ path }) => path === wanted) ?? FIRST;
  useEffect(() => {
    void prefetchView(panel);
    document.title = `${panel.title} – Plinth playground`;
    document
      .querySelector('nav [aria-current]')
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [panel]);
  return panel;
}
