// The page that checks certificates without a network.
import { judge, revocations, statementsIn } from "./statement.js";
import { statementsOf } from "./reading.js";

const office = JSON.parse(document.getElementById("office").textContent);
const box = document.getElementById("text");
const picked = document.getElementById("picture");
const results = document.getElementById("results");

const VERDICTS = {
  valid: ["good", "有效", (list) => `签名核对无误，截至 ${list.day} 的撤销名单里没有它。`],
  younger: ["doubt", "签名核对无误，是否撤销要再查", (list) => `本页的撤销名单只到 ${list.day}，比这份证书早。请向签发单位要新的核验页再查一次。`],
  revoked: ["bad", "已撤销", (list, revoked) => `这份证书已在 ${revoked.when} 撤销或被更正后的新版代替，不再有效。`],
  changed: ["bad", "被改动或不完整", () => "文字和签名对不上：内容被改过，或者没有粘贴完整。请重新扫码再试。"],
  foreign: ["bad", "不是本单位签发", () => "它用的签发密钥不是本单位的。如果证书很新，请向签发单位要新的核验页。"],
  unknown: ["doubt", "签名核对无误，是否撤销不能确定", () => "本页的撤销名单不见了或被改动，请向签发单位要一份完好的核验页。"],
};
const ROWS = [
  ["证书", (s) => s.kind],
  ["编号", (s) => s.number],
  ["版", (s) => (s.version === "1" ? "" : `第 ${s.version} 版`)],
  ["姓名", (s) => s.name],
  ["单位", (s) => s.unit],
  ["培训对象", (s) => s.track],
  ["课程", (s) => s.course],
  ["学时", (s) => s.hours],
  ["成绩", (s) => s.score],
  ["日期", (s) => s.day],
];

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function card(line) {
  const { state, statement, revoked, list } = judge(line, office);
  const [tone, title, told] = VERDICTS[state];
  const made = element("section", "", `card ${tone}`);
  made.append(element("h2", title), element("p", told(list, revoked)));
  if (!statement) return made;
  const table = element("dl");
  for (const [name, value] of ROWS) {
    if (value(statement)) table.append(element("dt", name), element("dd", value(statement)));
  }
  made.append(table);
  if (state !== "foreign") {
    made.append(element("p", "请和证书上印的逐项核对：有一项不一样，那张证书就是被改过的，或者贴了别人的二维码。", "compare"));
  } else {
    made.prepend(element("p", "下面的内容没有经过核实。", "compare"));
  }
  return made;
}

function show(lines, nothing) {
  results.replaceChildren(...(lines.length ? lines.map(card) : [element("p", nothing, "card doubt")]));
}

document.getElementById("check").addEventListener("click", () => {
  const nothing = box.value.trim()
    ? "这里没有证书的核验文字。它以 QL1| 开头，请把扫码得到的文字完整地粘贴进来。"
    : "请先粘贴扫码得到的文字，或者选一张照片。";
  show(statementsIn(box.value), nothing);
});

picked.addEventListener("change", async () => {
  const [file] = picked.files;
  if (!file) return;
  results.replaceChildren(element("p", "正在读取…", "card"));
  const found = await statementsOf(file).catch(() => []);
  box.value = found.join("\n");
  show(found, "没有读出二维码。请对准二维码、光线均匀地再拍一张，或者用手机扫码，把文字粘贴到上面。");
  picked.value = "";
});

if (!revocations(office.revocations, office.keys)) {
  document.getElementById("broken").hidden = false;
}
document.documentElement.dataset.ready = "yes";
