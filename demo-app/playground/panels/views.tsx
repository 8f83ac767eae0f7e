/** What plugins show: their views by slot, their menus and their status. */
import { SLOTS } from '../kernel/playground-kernel.ts';
import { plainText } from '../model/show-value.ts';
import { useInspector } from '../parts/context.ts';
import { PluginView } from '../parts/plugin-views.tsx';
import { useWorkbench } from '../parts/use-workbench.ts';

/** The whole panel. */
export function ViewsPanel() {
  const { palette } = useInspector();
  const workbench = useWorkbench();
  return (
    <>
      <div class="row tools">
        {workbench.menu('toolbar').map(({ id, title }) => (
          <button key={id} type="button" onClick={() => palette.run(id)}>
            {plainText(title, 60)}
          </button>
        ))}
        <button type="button" onClick={() => palette.setOpen(true)}>
          All commands <kbd>Ctrl</kbd> + <kbd>K</kbd>
        </button>
      </div>
      <div class="slots">
        {SLOTS.map((slot) => (
          <Slot key={slot} slot={slot} />
        ))}
      </div>
      <StatusBar />
    </>
  );
}

function Slot({ slot }: { readonly slot: string }) {
  const views = useWorkbench().views(slot);
  return (
    <section aria-label={`Slot ${slot}`} data-slot={slot}>
      <h3 class="hint">{slot}</h3>
      {views.length === 0 && <p class="panel hint">No view stands here.</p>}
      {views.map((view) => (
        <div key={`${view.plugin} ${view.id}`} class="panel">
          <PluginView view={view} />
        </div>
      ))}
    </section>
  );
}

function StatusBar() {
  const { palette } = useInspector();
  const items = useWorkbench().status();
  return (
    <ul class="row statusbar" aria-label="Status items">
      {items.map(({ plugin, id, text, command }) => (
        <li key={`${plugin} ${id}`}>
          {command === undefined ? (
            plainText(text, 60)
          ) : (
            <button type="button" onClick={() => palette.run(command)}>
              {plainText(text, 60)}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
