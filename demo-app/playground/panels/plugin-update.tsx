/** Replaces a plugin by a later version from an address. What that may do more is asked first. */
import type { PluginInfo } from '@plinth/host-browser';
import { useState } from 'preact/hooks';
import { plainText } from '../model/show-value.ts';
import { Action, Failure } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';

export function PluginUpdate({ plugin: { id, name = id } }: { readonly plugin: PluginInfo }) {
  const { update, known } = useInspector();
  const [url, setUrl] = useState(known(id).update ?? '');
  const [failure, setFailure] = useState<string>();
  const shown = plainText(name, 80);
  return (
    <details>
      <summary>Update from an address</summary>
      <div class="row">
        <input
          class="grow"
          aria-label={`Address of the plugin.json of a later version of ${shown}`}
          value={url}
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => setUrl(currentTarget.value)}
        />
        <Action
          label="Update"
          of={shown}
          possible={url !== ''}
          run={() => update(id, url)}
          onFailure={setFailure}
        />
      </div>
      <p class="hint">
        It is replaced while it runs. If the later version may do more, you are asked first.
      </p>
      <Failure message={failure} />
    </details>
  );
}
