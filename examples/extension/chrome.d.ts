/** What this extension uses of the extension API. */
declare const chrome: {
  readonly action: {
    setBadgeText(details: { text: string; tabId?: number }): Promise<void>;
    openPopup?(): Promise<void>;
  };
  readonly contextMenus: {
    create(properties: { id: string; title: string; contexts: string[] }, done?: () => void): void;
    readonly onClicked: { addListener(listener: (info: { srcUrl?: string }, tab?: { id?: number }) => void): void };
  };
  readonly runtime: {
    readonly lastError?: { message?: string };
    readonly onInstalled: { addListener(listener: () => void): void };
    readonly onMessage: {
      addListener(listener: (message: never, sender: unknown, respond: (answer: unknown) => void) => boolean): void;
    };
    openOptionsPage(): Promise<void>;
    sendMessage<T>(message: unknown): Promise<T>;
  };
  readonly scripting: {
    executeScript<A extends unknown[], R>(injection: {
      target: { tabId: number };
      func: (...values: A) => R;
      args?: A;
    }): Promise<{ result: Awaited<R> }[]>;
  };
  readonly storage: {
    readonly session: {
      get(key: string): Promise<Record<string, unknown>>;
      set(items: Record<string, unknown>): Promise<void>;
    };
    readonly onChanged: { addListener(listener: (changes: Record<string, unknown>, area: string) => void): void };
  };
  readonly tabs: {
    captureVisibleTab(options: { format: "png" }): Promise<string>;
    query(filter: { active: true; currentWindow: true }): Promise<{ id?: number }[]>;
  };
};
