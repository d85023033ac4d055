"""What a page looks like to a reader: faults of layout, names and colours, found in the browser."""

import re
from typing import Any

LEAST_CONTRAST = 4.5  # WCAG 2.2, success criterion 1.4.3
_NAMELESS = re.compile(
    r"^\s*- (?:button|textbox|combobox|checkbox|link|slider|switch|radio|spinbutton)\b(?! \")",
    re.MULTILINE)

LAYOUT = """() => {
    const wrong = [], main = document.querySelector('[data-testid=stMain]');
    for (const box of [document.documentElement, main])
        if (box.scrollWidth > box.clientWidth)
            wrong.push(`${box.tagName} scrolls sideways: ${box.scrollWidth} > ${box.clientWidth}`);
    for (const box of document.querySelectorAll('[data-testid=stException]'))
        wrong.push(`exception: ${box.innerText.slice(0, 300)}`);
    if (main.innerText.includes('This part could not be shown')) wrong.push('a part failed');
    const shown = box => box.getClientRects().length > 0;
    for (const card of document.querySelectorAll('[data-testid=stMetric]')) {
        const value = card.querySelector('[data-testid=stMetricValue]');
        if (!card.querySelector('[data-testid=stMetricLabel]')?.textContent.trim())
            wrong.push(`a number without label: ${card.innerText}`);
        for (const text of value.querySelectorAll('*'))
            if (text.scrollWidth > text.clientWidth + 1 && text.clientWidth)
                wrong.push(`a number is cut: ${card.innerText}`);
    }
    for (const chart of document.querySelectorAll('[data-testid=stPlotlyChart]')) {
        const box = chart.getBoundingClientRect();
        if (!shown(chart)) continue;
        if (!chart.querySelector('.js-line, .points path, .point path, .js-fill, .points, .hm'))
            wrong.push('a chart without a mark');
        if (box.right > main.getBoundingClientRect().right + 1) wrong.push('a chart sticks out');
    }
    for (const button of document.querySelectorAll('[data-testid=stMain] button')) {
        const box = button.getBoundingClientRect();
        if (button.innerText && button.checkVisibility({opacityProperty: true})
            && box.right > innerWidth + 1)
            wrong.push(`outside the window: ${button.innerText}`);
    }
    return wrong;
}"""

PALE = """least => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
    const rgba = colour => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, under) => [0, 1, 2].map(n => top[n] * top[3] + under[n] * (1 - top[3]));
    const light = colour => colour.map(each => each / 255)
        .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
        .reduce((sum, each, n) => sum + each * [0.2126, 0.7152, 0.0722][n], 0);
    const behind = box => {
        const layers = [];
        for (let each = box; each; each = each.parentElement)
            layers.unshift(rgba(getComputedStyle(each).backgroundColor));
        return layers.reduce((under, top) => over(top, under), [255, 255, 255]);
    };
    const found = new Set();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const box = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
        if (!text || !box.checkVisibility({opacityProperty: true, visibilityProperty: true})
            || box.closest('[disabled], label:has(:disabled), [data-testid=stToast], style, script')
            || box.closest('[data-testid=stIconMaterial]')) continue;
        const style = getComputedStyle(box), svg = box.closest('svg');
        let opacity = 1;
        for (let each = box; each; each = each.parentElement)
            opacity *= +getComputedStyle(each).opacity;
        const under = behind(box), ink = rgba(svg ? style.fill : style.color);
        ink[3] *= opacity;
        const [a, b] = [light(over(ink, under)), light(under)];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const big = parseFloat(style.fontSize) >= 24;
        if (ratio < (big ? 3 : least))
            found.add(`${ratio.toFixed(2)} "${text.slice(0, 40)}"`);
    }
    return [...found];
}"""


def faults_of_layout(page: Any) -> list[str]:
    """Exceptions, sideways scrolling, cut or unlabelled numbers, unpainted charts."""
    return list(page.evaluate(LAYOUT))


def pale_texts(page: Any) -> list[str]:
    """Texts whose contrast with what is behind them is under 4.5 (3 for large ones)."""
    return list(page.evaluate(PALE, LEAST_CONTRAST))


def nameless_controls(page: Any) -> list[str]:
    """Buttons, links and fields that a screen reader could not name."""
    return [each.group().strip() for each in
            _NAMELESS.finditer(page.locator("body").aria_snapshot())]
