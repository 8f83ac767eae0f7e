/** The editor of plugins. Nothing of it is loaded before the panel is opened. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Failure, messageOf } from '../parts/action.tsx';

export function EditorPanel() {
  const [Workspace, setWorkspace] = useState<ComponentType>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    import('../editor/workspace.tsx').then(
      (loaded) => setWorkspace(() => loaded.Workspace),
      (error) => setFailure(messageOf(error)),
    );
  }, []);
  if (Workspace !== undefined) return <Workspace />;
  return failure === undefined ? (
    <p class="hint">The editor is loading…</p>
  ) : (
    <Failure message={failure} />
  );
}
