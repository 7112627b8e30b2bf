/** Turns of the event loop. Timers would do, but browsers hold them back for 4 ms after the first few. */
export class Turns {
  private readonly channel = new MessageChannel();
  private resolve: () => void = () => {};

  constructor() {
    this.channel.port1.onmessage = () => this.resolve();
  }

  /** Resolves after whatever waits now has had its turn. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.resolve = resolve;
      this.channel.port2.postMessage(null);
    });
  }

  end(): void {
    this.channel.port1.close();
  }
}
