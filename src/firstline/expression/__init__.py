"""CEL, the Common Expression Language, behind one module: conditions and `${{ }}` values. Nothing else imports the CEL
library."""

from firstline.expression.expression import Bindings, Expression, ExpressionFault, Scope, Type
from firstline.expression.template import Template
from firstline.expression.token import Token, tokens

__all__ = ["Bindings", "Expression", "ExpressionFault", "Scope", "Template", "Token", "Type", "tokens"]
