const titles: Readonly<Record<string, string>> = {
  resnet18: "ResNet-18",
  resnet34: "ResNet-34",
  resnet50: "ResNet-50",
  resnet20: "ResNet-20 (CIFAR)",
  "resnet20-cifar": "ResNet-20 (CIFAR)",
};

export const networkTitle = (name: string) => titles[name] ?? name;

/** What a user agent calls itself, for people: "Chrome 140", "Safari 26.0". */
export function browserName(userAgent: string): string {
  const known: readonly (readonly [name: string, version: RegExp])[] = [
    ["Edge", /Edg(?:A|iOS)?\/([\d]+)/],
    ["Opera", /OPR\/([\d]+)/],
    ["Samsung Internet", /SamsungBrowser\/([\d.]+)/],
    ["Firefox", /(?:Firefox|FxiOS)\/([\d]+)/],
    ["Chrome", /(?:Chrome|CriOS)\/([\d]+)/],
    ["Safari", /(?:Macintosh|iPhone|iPad|iPod).*Version\/([\d.]+).*Safari/],
    ["WebKit", /AppleWebKit\/([\d.]+)/],
  ];
  for (const [name, version] of known) {
    const found = version.exec(userAgent)?.[1];
    if (found) return `${name} ${found}`;
  }
  return "a browser without a name";
}

/** The hardware or system that a user agent admits to. Phones of Android give their model, iPhones nothing more. */
export function platformName(userAgent: string): string {
  const android = /Android ([\d.]+)(?:; ([^;)]+))?/.exec(userAgent);
  // Chrome's reduced user agent calls every phone "K".
  if (android) return `${android[2] && android[2] !== "K" ? `${android[2].trim()}, ` : ""}Android ${android[1]}`;
  const apple = /\((iPhone|iPad|iPod)[^)]*OS ([\d_]+)/.exec(userAgent);
  if (apple) return `${apple[1]}, iOS ${apple[2]!.replaceAll("_", ".")}`;
  if (/CrOS/.test(userAgent)) return "ChromeOS";
  if (/Windows NT/.test(userAgent)) return "Windows";
  if (/Mac OS X/.test(userAgent)) return "macOS";
  const linux = /Linux (\w+)/.exec(userAgent);
  return linux ? `Linux ${linux[1]}` : "an unknown platform";
}
