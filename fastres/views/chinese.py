"""The results block of README.zh-CN.md: the ledger's verdicts in Chinese, with every number taken from the findings."""

import re
from collections.abc import Callable, Sequence

from fastres import paper
from fastres.claims import finding as words
from fastres.claims.compared import POINTS, comparisons
from fastres.claims.decide import Entry
from fastres.claims.finding import Finding

VERDICTS = {
    words.REPRODUCED: "已复现",
    words.SMALLER: "方向一致但幅度较小",
    words.CORRECTED: "修正后成立",
    words.WRONG: "原表述不成立",
    words.NOT_REPRODUCED: "未能复现",
    words.OPEN: "尚无定论",
    words.NOT_RUN: "尚未运行",
    words.OUTSIDE: "无法由运行判定",
    words.BUILT: "按原文构建",
}
SCOPES = {
    words.PAPER: "原文的数据与训练设置",
    words.COPY: "重新编码的图像，原文的训练设置",
    words.SHORT: "较短的训练",
    words.DEVICE: "所列设备，fp32，未编译",
    words.COUNTING: "数学推导与计数，与运行无关",
}
TERMS = {  # of the findings' short notes
    "simplified-1": "第一类",
    "simplified-2": "第二类",
    "basic": "基本型",
    "binomial, single run": "二项区间，单次运行",
    " points": " 个百分点",
    " seeds": " 个随机种子",
    " epochs": " 个周期",
    "compiled": "编译",
    "images": "图像",
}


def _notes(found: Finding) -> str:
    """A decided difference; else the first note on what runs show, as "a − b at D = 20 = +0.37 points [...]"."""
    text = "；".join(f"{each:+.2f} points (n = {each.n} seeds)" for each in found.intervals.values())
    text = text or next(iter(found.so_far), "")
    for english, chinese in TERMS.items():
        text = text.replace(english, chinese)
    return re.sub(r" at (D = \d+) = ", r"（\1）：", text)


def _savings(found: Finding) -> str:
    parts = {name: f"{interval.percent()}（{interval.n} 轮）" for name, interval in found.intervals.items()}
    return "；".join(f"{_place(name)}：{saved}" for name, saved in parts.items())


def _place(name: str) -> str:
    """ "D = 20，Some CPU" of "reduction D20, Some CPU"."""
    depth, _, device = name.removeprefix("reduction D").partition(", ")
    return f"D = {depth}" + (f"，{device}" if device else "")


def _computation(found: Finding) -> str:
    shares = {int(name.rpartition("D")[2]): float(value) for name, value in found.numbers.items()}
    times = [paper.reduction("time", depth) for depth in shares]
    return (
        f"三种结构的乘加次数相同；全部浮点运算只减少 {min(shares.values()):.1f} 至 {max(shares.values()):.1f} %，"
        f"而原文的耗时减少 {min(times):.0f} 至 {max(times):.0f} %"
    )


def _fold(found: Finding) -> str:
    return (
        "原式对应仿射变换位于卷积之后的情形。它在卷积之前时，尺度应按输入通道乘到权重上，"
        "偏置应加上偏移与卷积核权重之和的乘积；在特征图内部严格成立，最外一圈像素上只对落在图内的权重求和"
    )


def _kernel(found: Finding) -> str:
    name, reached = next(row for row in found.numbers.items() if row[0].startswith("dimensions reached"))
    per_square = 25 * int(reached) / int(name.split()[-1])
    return (
        "须补上对中间通道的求和；此后在特征图内部严格成立，在最外一圈像素上不成立（误差有闭式表达）；"
        "第一个卷积步长为 2 时应为 7×7 核。"
        f"通道数为 C 时，两个 3×3 卷积核只能达到 5×5 卷积核 25C² 维中的 {per_square:g}C² 维"
    )


def _memory(found: Finding) -> str:
    shares = [float(value) for value in found.numbers.values()]
    return f"为反向传播保存的激活值减少 {min(shares):.0f} 至 {max(shares):.0f} %（原文未给出数值）"


def _printed(entry: Entry) -> str:
    """The paper's number, where it prints one."""
    numbers = (
        f"{each.printed:+.2f} 个百分点" if each.unit == POINTS else f"减少 {each.printed.percent()}"
        for each in comparisons(entry)
    )
    return "；".join(numbers)


CLAIMS: dict[str, tuple[str, Callable[[Finding], str]]] = {
    "t1-error-equal": ("深度 20 时，第一类简化残差结构的错误率与基本型相当（表 1）", _notes),
    "t1-error-worse": ("深度 20 时，第二类简化残差结构的错误率明显高于基本型（表 1）", _notes),
    "t1-time": ("深度 20 时，第一类简化残差结构的周期耗时减少约 27 %（表 1）", _savings),
    "deep-time": ("深度 668 时，第一类简化残差结构的周期耗时约为基本型的一半（3.4 节）", _savings),
    "saves-computation": ("简化后的网络计算量更小，因而训练更快（摘要，2.1、2.2 节）", _computation),
    "memory-saved": ("激活层减少，训练所需内存随之减少（2.1、2.2 节）", _memory),
    "eq9-fold": ("这一仿射变换可与其后的卷积合并为一个卷积：权重乘以尺度，偏置乘以尺度再加上偏移（式 (9)）", _fold),
    "eq12-composed-kernel": ("两个连续的 3×3 卷积等效于一个 5×5 卷积（式 (12)）", _kernel),
}


def block(ledger: Sequence[Entry]) -> str:
    """The verdicts of CLAIMS as a table, after the count of all."""
    number = {verdict: sum(entry.verdict == verdict for entry in ledger) for verdict in VERDICTS}
    built = number.pop(words.BUILT)
    counted = "、".join(f"{VERDICTS[verdict]} {count}" for verdict, count in number.items())
    lines = [
        "## 目前的结果",
        "",
        f"共 {sum(number.values())} 条命题：{counted}。另有 {built} 条{VERDICTS[words.BUILT]}。",
        "",
    ]
    lines += ["| 原文的命题 | 原文 | 结果 [95 % 区间] | 结论 | 适用范围 |", "|---|---|---|---|---|"]
    of = {entry.claim.id: entry for entry in ledger}
    for claim, (text, told) in CLAIMS.items():
        found = of[claim].finding
        scope = "；".join(SCOPES[each] for each in found.scope) or "–"
        ours = f"{told(found) or '–'} | **{VERDICTS[found.verdict]}** | {scope}"
        lines.append(f"| {text} | {_printed(of[claim]) or '–'} | {ours} |")
    lines += [
        "",
        "全部命题及其判定规则见 `.venv/bin/python -m fastres claims` 或笔记本 `10_claims`。本节由 `make readme` 生成。",
    ]
    return "\n".join(lines)
