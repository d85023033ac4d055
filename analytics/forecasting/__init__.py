"""Forecasts of series: history in, mean and quantiles out, with method and backtest. Pure."""
