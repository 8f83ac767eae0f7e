/** A panel whose code is loaded when it is first shown. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { messageOf } from './action.tsx';

export function lazy(load: () => Promise<ComponentType>): ComponentType {
  let loaded: ComponentType | undefined;
  return function Lazy() {
    const [View, setView] = useState<ComponentType | undefined>(() => loaded);
    const [failure, setFailure] = useState<string>();
    useEffect(() => {
      if (loaded !== undefined) return undefined;
      let current = true;
      load().then(
        (view) => {
          loaded = view;
          if (current) setView(() => view);
        },
        (error) => current && setFailure(messageOf(error)),
      );
      return () => {
        current = false;
      };
    }, []);
    if (failure !== undefined) return <p class="problem">The panel can't be loaded: {failure}</p>;
    if (View !== undefined) return <View />;
    return (
      <p class="hint" data-loading>
        Loading…
      </p>
    );
  };
}
