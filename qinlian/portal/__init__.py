"""我的学习: the learner's pages and the server extension behind them."""
