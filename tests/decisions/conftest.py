"""Property tests of decisions: no time limits, since machines differ."""

from hypothesis import HealthCheck, settings

settings.register_profile("console", deadline=None,
                          suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("console")
