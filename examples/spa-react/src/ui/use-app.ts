/** What components read of an application. */
import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import type { App } from '../core/app.ts';
import type { Observable } from '../core/observable.ts';

export const AppContext = createContext<App | undefined>(undefined);

/** The application that a component stands in. */
export function useApp(): App {
  const app = useContext(AppContext);
  if (app === undefined) throw new Error('there is no application around this component');
  return app;
}

/** A value that may change. */
export const useValue = <T>(observable: Observable<T>): T =>
  useSyncExternalStore(observable.subscribe, () => observable.value);

/** The workbench, and its lists again after each change. */
export function useWorkbench(): App['workbench'] {
  const { workbench } = useApp();
  const subscribe = useCallback(
    (listener: () => void) => {
      const changes = workbench.onChange(listener);
      return () => changes.dispose();
    },
    [workbench],
  );
  useSyncExternalStore(subscribe, () => workbench.version);
  return workbench;
}
