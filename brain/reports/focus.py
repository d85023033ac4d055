"""Charges in the columns of FinOps FOCUS 1.2, with the provider columns of 1.3.

Source: FinOps Open Cost and Usage Specification (focus.finops.org), versions 1.2 and 1.3.
"""

import datetime as dt
import json
from decimal import Context, Decimal
from typing import Any

from brain.reports.charges import Charge

MANDATORY: tuple[str, ...] = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory",
    "ServiceName")
"""The 21 mandatory columns of 1.2."""
RENAMED: tuple[str, ...] = ("HostProviderName", "ServiceProviderName")
"""What 1.3 has in the place of PublisherName and ProviderName."""
FURTHER: tuple[str, ...] = (
    "ChargeFrequency", "ConsumedQuantity", "ConsumedUnit", "ContractedUnitPrice", "ListUnitPrice",
    "PricingCategory", "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType",
    "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceId", "SubAccountId", "SubAccountName",
    "SubAccountType", "Tags")
OWN: tuple[str, ...] = ("x_AgentId", "x_ApiKeyId", "x_Feature", "x_Model", "x_PriceContext",
                        "x_TierFromTokens", "x_TokenClass")
COLUMNS: tuple[str, ...] = (*sorted((*MANDATORY, *RENAMED, *FURTHER)), *OWN)
MONEY: tuple[str, ...] = ("BilledCost", "ContractedCost", "ContractedUnitPrice", "EffectiveCost",
                          "ListCost", "ListUnitPrice")
QUANTITIES: tuple[str, ...] = ("ConsumedQuantity", "PricingQuantity")
UNKNOWN = "unknown"
_METERS = {"input": "Input Tokens", "cache_read": "Cache Read Tokens",
           "cache_write": "Cache Write Tokens", "output": "Output Tokens", "request": "Requests"}
_EXACT = Context(prec=60)


def focus_row(charge: Charge, account_id: str, account_name: str) -> dict[str, Any]:
    """A priced charge as a row of `COLUMNS`; null where the standard allows it.

    Nothing is prepaid and no commitment is spread, so the billed, effective and contracted cost
    are the same. Raises ValueError for a charge without a price, which FOCUS cannot say.
    """
    if charge.cost_usd is None:
        raise ValueError("a charge without a price is no row of FOCUS")
    provider, model = charge.provider or UNKNOWN, charge.model or UNKNOWN
    meter = _METERS[charge.token_class]
    month = charge.start_utc.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    sku = f"{provider}/{model}/{charge.token_class}"
    units = "Requests" if charge.is_request else "1000000 Tokens"
    tags = {name: value for name, value in (
        ("agent", charge.agent_id), ("api_key", charge.api_key_id), ("feature", charge.feature))
        if value}
    return {
        "BilledCost": charge.cost_usd, "BillingAccountId": account_id,
        "BillingAccountName": account_name, "BillingCurrency": "USD",
        "BillingPeriodEnd": _moment((month + dt.timedelta(days=32)).replace(day=1)),
        "BillingPeriodStart": _moment(month), "ChargeCategory": "Usage", "ChargeClass": None,
        "ChargeDescription": f"{meter} of {model} by {provider}"
                             f"{f', {charge.price_context}' if charge.price_context else ''}",
        "ChargePeriodEnd": _moment(charge.end_utc), "ChargePeriodStart": _moment(charge.start_utc),
        "ContractedCost": charge.cost_usd, "EffectiveCost": charge.cost_usd,
        "InvoiceIssuerName": provider, "ListCost": charge.list_cost_usd,
        "PricingQuantity": Decimal(charge.quantity) if charge.is_request else
        _EXACT.scaleb(Decimal(charge.quantity), -6), "PricingUnit": units,
        "ProviderName": provider, "PublisherName": provider, "HostProviderName": provider,
        "ServiceProviderName": provider, "ServiceCategory": "AI and Machine Learning",
        "ServiceName": f"{provider} language models", "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": Decimal(charge.quantity),
        "ConsumedUnit": "Requests" if charge.is_request else "Tokens",
        "ContractedUnitPrice": charge.unit_usd, "ListUnitPrice": charge.list_unit_usd,
        "PricingCategory": "Standard", "RegionId": charge.region or None,
        "RegionName": charge.region or None, "ResourceId": model, "ResourceName": model,
        "ResourceType": "Language Model", "ServiceSubcategory": "Generative AI", "SkuId": sku,
        "SkuMeter": meter, "SkuPriceId": f"{sku}/{charge.price_id}",
        "SubAccountId": charge.workspace_id, "SubAccountName": charge.workspace_id,
        "SubAccountType": "Workspace",
        "Tags": json.dumps(tags, ensure_ascii=False, sort_keys=True),
        "x_AgentId": charge.agent_id or None, "x_ApiKeyId": charge.api_key_id or None,
        "x_Feature": charge.feature or None, "x_Model": charge.model or None,
        "x_PriceContext": charge.price_context or None,
        "x_TierFromTokens": charge.tier_from_tokens, "x_TokenClass": charge.token_class}


def _moment(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
