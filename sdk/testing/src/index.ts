/**
 * `@plinth/sdk/testing`: the test kit. A real kernel for tests, a context for unit tests, a report
 * about a plugin, faults, and the checks of standard contracts. It runs the real kernel, so
 * `@plinth/kernel` has to be installed beside the SDK. Contract checks alone do without.
 *
 * @module
 */
export * from '@plinth/sdk/checks';
export type { TestClock } from './clock.js';
export type {
  ContextRecords,
  InvokeAnswer,
  InvokeArguments,
  NeedAnswers,
  NeedsAnswers,
  PlainClients,
  PlainContextOptions,
  PlainNeeds,
  PlainTestContext,
  PluginContextOptions,
  Registration,
  TestContext,
  TestContextParts,
} from './context/context-types.js';
export { createTestContext } from './context/test-context.js';
export type { Chance } from './faults/chance.js';
export { faults } from './faults/faults.js';
export type { StubAnswer, StubNetwork, StubRequest } from './network.js';
export {
  type CheckGroup,
  type PluginCheck,
  type PluginReport,
  reportJUnit,
  reportText,
} from './plugin-test/report.js';
export type { TestPluginOptions } from './plugin-test/subject.js';
export { testPlugin } from './plugin-test/test-plugin.js';
export type { PluginInput } from './plugins.js';
export type { RecordedCall, RecordedDenial } from './recorder.js';
export { type Stub, stub } from './stub.js';
export { createTestKernel, type TestKernel, type TestKernelOptions } from './test-kernel.js';
