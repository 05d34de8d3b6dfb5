// The certificate of all servers that are compared, so that each does the same work in a handshake.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Made once in the build folder: { cert, key }, the paths. */
export function certificate(build) {
  const cert = join(build, "cert.pem");
  const key = join(build, "key.pem");
  if (!existsSync(cert)) {
    const made = spawnSync("openssl", [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
      "-days", "3650", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
      "-keyout", key, "-out", cert,
    ], { encoding: "utf8" });
    if (made.status !== 0) {
      throw new Error(`openssl made no certificate: ${made.stderr}`);
    }
  }
  return { cert, key };
}
