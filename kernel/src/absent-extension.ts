/** The error for what an extension would do that the kernel was made without. */
import { createError, type PluginError } from '@plinth/sdk/contract';

/** PluginConfigurationError `extension/missing` with the line to write. */
export const missingExtension = (
  name: string,
  message = `the extension '${name}' is not installed: createKernel({ extensions: [${name}(…)] })`,
): PluginError => createError('extension/missing', message, { details: { extension: name } });
