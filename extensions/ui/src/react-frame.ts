/** A frame of a plugin in React. */
import { createElement, type ReactNode, useEffect, useRef } from 'react';
import { type FrameOptions, mountFrame } from './mount-frame.js';
import type { ViewKernel } from './view-kernel.js';

/** Props of {@link PluginFrame}. */
export interface PluginFrameProps extends FrameOptions {
  readonly kernel: ViewKernel;
}

/**
 * A frame of a plugin, in which it draws for itself.
 *
 * @example
 * <PluginFrame kernel={kernel} plugin="com.example.map" view="map" />
 */
export function PluginFrame({ kernel, ...options }: PluginFrameProps): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const { plugin, view } = options;
  const props = options.props === undefined ? undefined : JSON.stringify(options.props);
  useEffect(() => {
    if (place.current === null) return undefined;
    const shown = mountFrame(place.current, kernel, {
      ...latest.current,
      ...{ plugin, view },
      ...(props !== undefined && { props: JSON.parse(props) as unknown }),
      onState: (state, error) => latest.current.onState?.(state, error),
    });
    return () => void shown.close();
  }, [kernel, plugin, view, props]);
  return createElement('div', { ref: place });
}
