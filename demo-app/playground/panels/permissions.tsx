/** What a plugin may do, with live revocation; what it was refused; and the least it needs. */
import type { Explanation } from '@plinth/host-browser';
import { type Observation, permissionRecorder } from '@plinth/kernel/permission-recorder';
import type { PermissionName } from '@plinth/sdk';
import { PERMISSION_NAMES, scopesOf } from '@plinth/sdk/contract';
import { useEffect, useState } from 'preact/hooks';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { Action, Failure, type OnFailure } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';
import { PluginSelect } from '../parts/plugin-select.tsx';

/** The whole panel. */
export function PermissionsPanel() {
  const { kernel, plugins } = useInspector();
  useChanges(plugins);
  const list = kernel.plugins.list();
  const [chosen, setChosen] = useState('');
  const [failure, setFailure] = useState<string>();
  const { id, manifest } = list.find((one) => one.id === chosen) ?? list[0] ?? {};
  if (id === undefined || manifest === undefined)
    return <p class="hint">No plugin is known yet.</p>;
  const rights = kernel.permissions.list(id);
  const rows = PERMISSION_NAMES.flatMap((name) =>
    scopesOf(rights, name).map((scope) => ({ name, scope })),
  );
  const { cut, denials = [] } = kernel.plugins.explain(id);
  return (
    <>
      <div class="row tools">
        <PluginSelect value={id} onChange={setChosen} />
        {id === 'demo.rogue' && (
          <>
            <Action
              label="Let it try what it may not"
              run={() => kernel.commands.execute('demo.rogue:ask')}
              onFailure={setFailure}
            />
            <Action
              label="Let it ask for a right"
              run={() => kernel.commands.execute('demo.rogue:request')}
              onFailure={setFailure}
            />
          </>
        )}
      </div>
      <Failure message={failure} />
      <div class="two">
        <Rights id={id} rows={rows} cut={cut} onFailure={setFailure} />
        <section>
          <Denials denials={denials} />
          <Least id={id} />
        </section>
      </div>
    </>
  );
}

function Rights({
  id,
  rows,
  cut,
  onFailure,
}: {
  readonly id: string;
  readonly rows: readonly { readonly name: PermissionName; readonly scope: string }[];
  readonly cut: Explanation['cut'];
  readonly onFailure: OnFailure;
}) {
  const { kernel, plugins } = useInspector();
  const { permissions } = kernel;
  const revoked = listed(cut?.revoked);
  const refused = listed(cut?.refused);
  const withheld = listed(cut?.extensions);
  return (
    <section class="panel" aria-label="Rights">
      <h3>Rights</h3>
      {rows.length + revoked.length + refused.length + withheld.length === 0 && (
        <p class="hint">It has none.</p>
      )}
      <table>
        <tbody>
          {rows.map(({ name, scope }) => (
            <tr key={`${name} ${scope}`}>
              <th scope="row">{name}</th>
              <td>
                <code>{plainText(scope, 100)}</code>
              </td>
              <td>
                <Action
                  label="Revoke"
                  of={`${name} ${plainText(scope, 60)}`}
                  run={() => permissions.revoke(id, name, scope)}
                  onFailure={onFailure}
                />
              </td>
            </tr>
          ))}
          {refused.map(({ name, scope }) => (
            <tr key={`refused ${name} ${scope}`} class="gone">
              <th scope="row">{name}</th>
              <td>
                <code>{plainText(scope, 100)}</code> (refused)
              </td>
              <td>
                <Action
                  label="Let it ask again"
                  of={`${name} ${plainText(scope, 60)}`}
                  run={async () => {
                    await permissions.forget(id, name, scope);
                    // No event tells of it.
                    plugins.announce();
                  }}
                  onFailure={onFailure}
                />
              </td>
            </tr>
          ))}
          {revoked.map(({ name, scope }) => (
            <tr key={`revoked ${name} ${scope}`} class="gone">
              <th scope="row">{name}</th>
              <td>
                <code>{plainText(scope, 100)}</code> (revoked)
              </td>
              <td>
                <Action
                  label="Grant"
                  of={`${name} ${plainText(scope, 60)}`}
                  run={() => permissions.grant(id, name, scope)}
                  onFailure={onFailure}
                />
              </td>
            </tr>
          ))}
          {withheld.map(({ name, scope }) => (
            <tr key={`withheld ${name} ${scope}`} class="gone">
              <th scope="row">{name}</th>
              <td>
                <code>{plainText(scope, 100)}</code> (an extension doesn’t allow it)
              </td>
              <td />
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function listed(growth: Readonly<Record<string, readonly string[]>> = {}) {
  return Object.entries(growth).flatMap(([name, scopes]) =>
    scopes.map((scope) => ({ name: name as PermissionName, scope })),
  );
}

function Denials({ denials }: { readonly denials: NonNullable<Explanation['denials']> }) {
  return (
    <div class="panel">
      <h3>Refused</h3>
      {denials.length === 0 && <p class="hint">Nothing was refused.</p>}
      <ul class="rights">
        {denials.map(({ permission, scope, count, reason, add }) => (
          <li key={`${permission} ${scope}`}>
            <strong>{permission}</strong> <code>{plainText(scope, 100)}</code>{' '}
            <span class="hint">
              {count} times{reason !== undefined && `, by its ${reason}`}
            </span>
            {add !== undefined && (
              <>
                {' '}
                <span class="hint">
                  {reason === 'revoked' ? 'Give it back by' : 'The line to add:'}
                </span>{' '}
                <code>{plainText(add, 400)}</code>
              </>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The least manifest that covers what the plugin has done since the page was opened. */
function Least({ id }: { readonly id: string }) {
  const { kernel, plugins } = useInspector();
  const [seen, setSeen] = useState<Observation>();
  useEffect(() => {
    let current = true;
    const read = () =>
      void kernel
        .extension(permissionRecorder)
        .observed(id)
        .then(
          (observation) => current && setSeen(observation),
          // It has not run yet, so nothing is known of it.
          () => current && setSeen(undefined),
        );
    read();
    const end = plugins.subscribe(read);
    return () => {
      current = false;
      end();
    };
  }, [kernel, plugins, id]);
  return (
    <div class="panel">
      <h3>Least manifest</h3>
      <p class="hint">
        What it has used since this page was opened, and what differs from its manifest.
      </p>
      {seen !== undefined && (
        <pre>
          {seen.text
            .split('\n')
            .map((line) => plainText(line, 2_000))
            .join('\n')}
        </pre>
      )}
    </div>
  );
}
