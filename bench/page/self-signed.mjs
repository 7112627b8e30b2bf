// A certificate for a run or two: phones give threads and WebGPU only to pages over https, and nothing signs for a LAN address.
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";

/** One value in ASN.1's distinguished encoding (DER): tag, length, contents. */
function der(tag, ...contents) {
  const body = Buffer.concat(contents);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const digits = body.length > 0xff ? [0x82, body.length >> 8, body.length & 0xff] : [0x81, body.length];
  return Buffer.concat([Buffer.from([tag, ...digits]), body]);
}

const sequence = (...contents) => der(0x30, ...contents);
const identifier = (hex) => der(0x06, Buffer.from(hex, "hex"));
const time = (date) => der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));

const ecdsaWithSha256 = sequence(identifier("2a8648ce3d040302"));
const commonName = "550403";
const subjectAlternativeName = "551d11";
const extendedKeyUsage = "551d25";
const serverAuthentication = "2b06010505070301";

function alternativeName(host) {
  return isIPv4(host) ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host));
}

/** Key and certificate (X.509, RFC 5280) for these host names and IPv4 addresses, as PEM, valid for thirty days. */
export function selfSigned(hosts) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(der(0x31, sequence(identifier(commonName), der(0x0c, Buffer.from("resnet-edge bench")))));
  const day = 86_400_000;
  const extension = (id, value) => sequence(identifier(id), der(0x04, value));
  const serial = randomBytes(16);
  serial[0] = (serial[0] & 0x7f) | 0x01;
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ecdsaWithSha256,
    name,
    sequence(time(new Date(Date.now() - day)), time(new Date(Date.now() + 30 * day))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(
      0xa3,
      sequence(
        extension(subjectAlternativeName, sequence(...hosts.map(alternativeName))),
        extension(extendedKeyUsage, sequence(identifier(serverAuthentication))),
      ),
    ),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", body, privateKey));
  const lines = sequence(body, ecdsaWithSha256, signature)
    .toString("base64")
    .match(/.{1,64}/g);
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    cert: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
  };
}
