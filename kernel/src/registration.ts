/** A registration of the host. */
export interface HostRegistration extends Disposable {
  dispose(): void;
}
