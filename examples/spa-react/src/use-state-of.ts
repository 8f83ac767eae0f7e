import { useEffect, useState } from 'react';
import { kernel } from './kernel.ts';

/** The state of a plugin, which changes while it starts, crashes or is replaced. */
export function useStateOf(id: string): string | undefined {
  const [state, setState] = useState(kernel.plugins.get(id)?.state);
  useEffect(() => {
    const listener = kernel.events.on('plugin:*', () => setState(kernel.plugins.get(id)?.state));
    return () => listener.dispose();
  }, [id]);
  return state;
}
