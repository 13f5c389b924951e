"""Firstline's own change register; what is pre-approved; what other registers say of times."""

from firstline.register.own import OwnRegister

__all__ = ["OwnRegister"]
