"""Binance's limits. Figures: ../shared/exchanges/binance.md §3 (sockets) and §9 (request weight)."""

from jackbot_tui.sim.limits import Limits, SocketLimits

LIMITS = Limits(
    spot_socket=SocketLimits(messages_per_s=5, ping_interval_s=20, pong_timeout_s=60),
    linear_socket=SocketLimits(messages_per_s=10, ping_interval_s=180, pong_timeout_s=600),
    spot_weight=6000,
    linear_weight=2400,
)
