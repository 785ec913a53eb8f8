// A file that somebody chose → the texts that may be in it: a photograph's QR codes, or what a PDF says of itself.
import { decodeQR } from "qr/decode.js";
import { statementsIn, wholeStatementsIn } from "./statement.js";

const SIDES = [1600, 3000, 1000];
const LARGEST = 60e6;

/** The statements found in the file; an empty list when there is none. */
export async function statementsOf(file) {
  if (file.size > LARGEST) return [];
  const start = new Uint8Array(await file.slice(0, 5).arrayBuffer());
  if (String.fromCharCode(...start) === "%PDF-") return wholeStatementsIn(unescaped(await file.text()));
  return codesIn(file);
}

function unescaped(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}

async function codesIn(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!picture) return [];
  try {
    for (const side of SIDES) {
      // A certificate fills the photograph and its code a small part of it: then a part is looked at by itself.
      for (const part of [[0, 0, 1, 1], [0, 0.4, 0.6, 0.6], [0.4, 0.4, 0.6, 0.6], [0, 0, 0.6, 0.6], [0.4, 0, 0.6, 0.6]]) {
        const found = statementsIn(codeIn(picture, part, side));
        if (found.length) return found;
      }
    }
  } finally {
    picture.close();
  }
  return [];
}

function codeIn(picture, [x, y, w, h], side) {
  const from = [x * picture.width, y * picture.height, w * picture.width, h * picture.height];
  const scale = Math.min(2, side / Math.max(from[2], from[3]));
  const width = Math.max(1, Math.round(from[2] * scale));
  const height = Math.max(1, Math.round(from[3] * scale));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  brush.fillStyle = "#fff";
  brush.fillRect(0, 0, width, height);
  brush.drawImage(picture, ...from, 0, 0, width, height);
  try {
    return decodeQR({ width, height, data: brush.getImageData(0, 0, width, height).data });
  } catch {
    return "";
  }
}
